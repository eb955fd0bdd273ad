"""Verbs for items, pages, instances and plugins."""

CHINESE = {
    "Show or export collected items.": "显示或导出采集到的条目。",
    "Show collected items, newest first, or export them.": "显示采集到的条目，新的在前；或导出。",
    "Only items of this platform.": "只显示这个平台的条目。",
    "Only items of this author, as written in the item.": "只显示这个作者的条目，按条目中的写法。",
    "Only items this task brought.": "只显示这个任务带来的条目。",
    "Only items created then or later.": "只显示此时或之后发布的条目。",
    "Only items created before.": "只显示此时之前发布的条目。",
    "Only items with these words.": "只显示包含这些词的条目。",
    "csv is for spreadsheets: a cell that one would run begins with an apostrophe.": (
        "csv 用于电子表格：会被当作公式执行的单元格以撇号开头。"
    ),
    "The same as --format json.": "同 --format json。",
    "A file.": "写入文件。",
    "{} items written to {}": "已将 {0} 个条目写入 {1}",
    "a table has {} rows at most; use --format jsonl or csv": (
        "表格最多 {0} 行；请用 --format jsonl 或 csv"
    ),
    "A file in the format of its ending (.json, .jsonl, .csv); all items but for -l.": (
        "写入文件，格式取自扩展名（.json、.jsonl、.csv）；没有 -l 时导出全部条目。"
    ),
    "give --export or --output, not both": "--export 和 --output 只能给一个",
    "its folder does not exist": "所在目录不存在",
    "no items found": "没有找到条目",
    "record {} is left out: the extractor finds it not worth storing": (
        "略去记录 {0}：提取器认为不值得保存"
    ),
    "record {} is left out: {}": "略去记录 {0}：{1}",
    # parse
    "Read a saved page as its platform would.": "像平台那样读取保存的页面。",
    "Read a saved page as its platform would: what is it, and which items are on it?": (
        "像平台那样读取保存的页面：这是什么，上面有哪些条目？"
    ),
    "FILE may be - for standard input. The exit code is 0 whenever the page could be read, "
    "whatever it turned out to be.": (
        "FILE 可以是 -，即标准输入。只要能读取页面，无论内容如何，退出码都是 0。"
    ),
    "The address the page came from.": "页面的来源地址。",
    "The HTTP status it came with.": "页面的 HTTP 状态码。",
    "The Content-Type header it came with.": "页面的 Content-Type 头。",
    "platform {} offers no parse_page.": "平台 {0} 没有提供 parse_page。",
    "Define parse_page(text, *, url, status, content_type) -> ParsedPage beside its class.": (
        "请在它的类旁边定义 parse_page(text, *, url, status, content_type) -> ParsedPage。"
    ),
    "more than {} MiB (fetch.max_body_mb)": "超过 {0} MiB（fetch.max_body_mb）",
    "page kind": "页面类型",
    "failure kind": "失败类型",
    "message": "消息",
    "next cursor": "下一页",
    "advice": "建议",
    "another instance, proxy or session may do better": "换一个实例、代理或会话可能更好",
    # test-nitter
    "Ask each Nitter instance for an account.": "逐个向 Nitter 实例查询一个账号。",
    "Ask each configured Nitter instance for an account, and show what it answered.": (
        "逐个向配置的 Nitter 实例查询一个账号，并显示它们的回答。"
    ),
    "Needs no MongoDB. The exit code is 0 when one of them gave posts, else 1.": (
        "不需要 MongoDB。有一个实例给出帖子时退出码为 0，否则为 1。"
    ),
    "Posts.": "帖子数。",
    "Ask only this one.": "只查询这一个。",
    "no Nitter instance is configured.": "没有配置 Nitter 实例。",
    "Name one with --instance, or set platforms.twitter.instances in config.toml or "
    "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES.": (
        "请用 --instance 给出，或在 config.toml 中设置 platforms.twitter.instances，"
        "或设置 HOTSTREAM_PLATFORMS_TWITTER_INSTANCES。"
    ),
    "the credentials were refused; mend platforms.twitter": "凭据被拒绝；请修正 platforms.twitter",
    "--instance: expected an address starting with http:// or https://": (
        "--instance：应为以 http:// 或 https:// 开头的地址"
    ),
    "instance": "实例",
    "answer": "回答",
    "posts": "帖子",
    "what it said": "回复内容",
    # list-platforms and plugins
    "List the platforms tasks can name.": "列出任务可以使用的平台。",
    "List the platforms that tasks can name, and the plugins that are broken.": (
        "列出任务可以使用的平台，以及损坏的插件。"
    ),
    "enabled": "启用",
    "requests/min": "请求/分",
    "extractor": "提取器",
    "extractors": "提取器",
    "platforms": "平台",
    "storages": "存储",
    "driver": "驱动",
    "config": "配置",
    "server": "服务器",
    "database": "数据库",
    "broken:": "损坏：",
    "no platform {} here.{}": "此处没有平台 {0}。{1:t}",
    "Did you mean {}?": "您是不是想用 {0}？",
    "Known: {}": "已知：{0}",
    "Mend or remove it.": "请修正或移除它。",
    "a name is made of 1 to 64 letters, digits, _ and -": "名称为 1 到 64 个字母、数字、_ 和 -",
    "{} is no subclass of {}.{}": "{0} 不是 {1}.{2} 的子类",
    "class {} lacks the methods {}": "类 {0} 缺少方法 {1}",
    "Python does not know how to import this file": "Python 不知道如何导入这个文件",
    "defines no PlatformAdapter, DataExtractor or StorageAdapter; "
    "begin the name of a helper with _": (
        "没有定义 PlatformAdapter、DataExtractor 或 StorageAdapter；辅助文件的名称请以 _ 开头"
    ),
    "the name is already taken by {}; give it another": "名称已被 {0} 占用；请换一个",
    "{}.{} must be an async generator: `yield` each item": (
        "{0}.{1} 必须是异步生成器：用 `yield` 给出每个条目"
    ),
}
