"""What platforms and fetching say when they are asked at once."""

CHINESE = {
    # what was asked for
    "platform: {} is switched off": "平台 {0} 已关闭",
    "set platforms.{}.enabled = true in config.toml": (
        "请在 config.toml 中设置 platforms.{0}.enabled = true"
    ),
    "platform {} cannot monitor accounts: use task_type 'search' or another platform": (
        "平台 {0} 不能监控账号：请用 task_type 'search'，或换一个平台"
    ),
    "platform {} cannot monitor accounts: use `hotstream search {}`, or another platform": (
        "平台 {0} 不能监控账号：请用 `hotstream search {1}`，或换一个平台"
    ),
    "platform {} refused the credentials: check [platforms.{}] in config.toml": (
        "平台 {0} 拒绝了凭据：请检查 config.toml 中的 [platforms.{1}]"
    ),
    "option {} is {}: expected {}": "选项 {0} 为 {1}：应为{2:t}",
    "a date such as 2026-01-31": "日期，如 2026-01-31",
    "a search needs at least one keyword": "搜索至少需要一个关键词",
    "there is no account to read": "没有要读取的账号",
    "the keyword {}… is longer than the {} bytes that a query may have": (
        "关键词 {0}… 超过了查询允许的 {1} 字节"
    ),
    "no Nitter instance is configured: set platforms.twitter.instances to a list of addresses, "
    'e.g. ["https://nitter.example"]': (
        "没有配置 Nitter 实例：请把 platforms.twitter.instances 设为地址列表，"
        '如 ["https://nitter.example"]'
    ),
    "{} is no Twitter account: give the name (1 to 15 of A-Z, a-z, 0-9, _), with or without @, or "
    "its address on x.com": (
        "{0} 不是 Twitter 账号：请给出名称（1 到 15 个 A-Z、a-z、0-9、_，可带 @），"
        "或 x.com 上的地址"
    ),
    "{} is no account of Medium: give @name, the name of a publication, its own domain, or an "
    "address": "{0} 不是 Medium 账号：请给出 @名称、出版物名称、它自己的域名，或地址",
    "{} is no article of Medium: give its address or the 8 to 12 digits at its end": (
        "{0} 不是 Medium 文章：请给出地址，或地址末尾的 8 到 12 位数字"
    ),
    "{} is no account of Juejin: give its number, or the address of its page "
    "(https://juejin.cn/user/<number>)": (
        "{0} 不是掘金账号：请给出编号，或主页地址（https://juejin.cn/user/<编号>）"
    ),
    "{}: Juejin has no such tag": "{0}：掘金没有这个标签",
    "{}: Juejin has no such category": "{0}：掘金没有这个分类",
    "{} is nothing to watch on Zhihu: expected the last part of an account's address, or org/…, "
    "column/…, question/…": (
        "{0} 不是知乎上可以监控的对象：应为账号地址的最后一段，或 org/…、column/…、question/…"
    ),
    "Zhihu can only be read with a browser ({}): install Chromium (`apt-get install chromium` or "
    "`playwright install chromium`), or name one in fetch.chromium": (
        "知乎只能用浏览器读取（{0}）：请安装 Chromium（`apt-get install chromium` 或 "
        "`playwright install chromium`），或在 fetch.chromium 中指定"
    ),
    "robots.txt of Zhihu forbids all unknown clients, and platforms.zhihu.respect_robots is "
    "true": "知乎的 robots.txt 禁止所有未知客户端，而 platforms.zhihu.respect_robots 为 true",
    # what came of it
    "{} of {} could not be read: {}": "{1} 个中有 {0} 个无法读取：{2:t}",
    "no instance gave account {}: {}": "没有实例给出账号 {0}：{1:t}",
    "no instance gave search {}: {}": "没有实例给出对 {0} 的搜索：{1:t}",
    "no instance gave {}: {}": "没有实例给出 {0}：{1:t}",
    "none of {} records could be understood, the first because of {}": (
        "{0} 条记录都无法理解，第一条的原因：{1}"
    ),
    "{} asked for a pause: {} s more": "{0} 要求暂停：还有 {1} 秒",
    # fetching
    "the page needs a browser and there is none: install Chromium, run `playwright install "
    "chromium`, or name one in fetch.chromium": (
        "页面需要浏览器，但没有找到：请安装 Chromium，运行 `playwright install chromium`，"
        "或在 fetch.chromium 中指定"
    ),
    "fetch.chromium names {}, which is no file": "fetch.chromium 指定的 {0} 不是文件",
    "Chromium does not start: {}": "Chromium 无法启动：{0}",
    "{}:{}: no connection in time": "{0}:{1}：连接超时",
    "will not go to {}: {}": "不访问 {0}：{1}",
    "{}: no complete answer within {} (fetch.timeout)": (
        "{0}：{1} 内没有完整的应答（fetch.timeout）"
    ),
    "the body has more than {} MiB (fetch.max_body_mb)": "正文超过 {0} MiB（fetch.max_body_mb）",
    "none of {} proxies works: the first is tried again in {} s (fetch.proxies)": (
        "{0} 个代理都不可用：第一个将在 {1} 秒后重试（fetch.proxies）"
    ),
    "{} is not fetched because robots.txt of the site cannot be read: {}": (
        "没有抓取 {0}，因为无法读取该网站的 robots.txt：{1}"
    ),
    "robots.txt of {} forbids {}; whoever may collect there nevertheless sets respect_robots = "
    "false for the platform": (
        "{0} 的 robots.txt 禁止访问 {1}；若您仍有权采集，请为该平台设置 respect_robots = false"
    ),
}
