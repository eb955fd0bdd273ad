"""Verbs that read a platform at once, write plugins, and look after workers in containers."""

CHINESE = {
    # search and monitor
    "Search a platform now, no queue.": "立即搜索一个平台，不经过队列。",
    "Search a platform now and print what it gives; needs no worker and no MongoDB.": (
        "立即搜索一个平台并输出结果；不需要工作进程和 MongoDB。"
    ),
    "The rules of fetching are those of a worker: robots.txt, pace, proxies, guards. Each argument "
    "is one keyword. The exit code is 0 when the platform answered, also with nothing, else 1; "
    "what came before a failure is printed all the same.": (
        "抓取规则与工作进程相同：robots.txt、速率、代理、防护。每个参数是一个关键词。"
        "平台有应答（即使没有结果）时退出码为 0，否则为 1；失败之前得到的条目照样输出。"
    ),
    "Read the newest posts of accounts now, no queue.": "立即读取账号的最新帖子，不经过队列。",
    "Read the newest posts of accounts now; needs no worker and no MongoDB.": (
        "立即读取账号的最新帖子；不需要工作进程和 MongoDB。"
    ),
    "As `search` otherwise. An account that cannot be read does not keep the others from being "
    "read.": "其余与 `search` 相同。某个账号无法读取时，不影响读取其他账号。",
    "Their platform; else the first word when it names one, else twitter.": (
        "账号所在的平台；不给时，若第一个词是平台名则用它，否则为 twitter。"
    ),
    "Items wanted; of each account, for monitor.": "需要的条目数；monitor 时为每个账号的条目数。",
    "Not before this day, 2026-01-31.": "不早于这一天，如 2026-01-31。",
    "Before this day.": "早于这一天。",
    "table, unless told so.": "默认为 table。",
    "One JSON object per line.": "每行一个 JSON 对象。",
    "A file; its ending (.json, .jsonl, .csv) says the format.": (
        "写入文件；格式取自扩展名（.json、.jsonl、.csv）。"
    ),
    "give only one of {}": "以下只能给一个：{0}",
    "{} says not what it shall hold: end it in .json, .jsonl or .csv": (
        "从 {0} 看不出格式：扩展名请用 .json、.jsonl 或 .csv"
    ),
    "{}: nothing found": "{0}：没有找到",
    "nothing found": "没有找到",
    "{} records left out, the first because of {}": "略去 {0} 条记录，第一条的原因：{1}",
    # plugins
    "Begin, list and check plugins.": "新建、列出和检查插件。",
    "Begin a plugin of your own, list what is installed, or check it.": (
        "新建自己的插件，列出或检查已安装的插件。"
    ),
    "Begin a plugin of your own.": "新建自己的插件。",
    "List plugins, and what is broken.": "列出插件，以及损坏的插件。",
    "Check that plugins can be used.": "检查插件是否可用。",
    "Write the package of a new platform: adapter, extractor, recorded pages, and tests that "
    "pass.": "写出一个新平台的包：适配器、提取器、录制的页面，以及能通过的测试。",
    "NAME is what tasks will call the platform: lower-case letters, digits and _.": (
        "NAME 是任务中使用的平台名：小写字母、数字和 _。"
    ),
    "Where to write it (./hotstream-NAME); must be new or empty.": (
        "写到哪里（./hotstream-NAME）；必须是新目录或空目录。"
    ),
    "now: cd {} && pip install -e '.[dev]' && pytest": (
        "接下来：cd {0} && pip install -e '.[dev]' && pytest"
    ),
    "then mend pages.py for your site; docs/plugins/ goes on from here": (
        "然后按您的网站修改 pages.py；后续步骤见 docs/plugins/"
    ),
    "{} cannot name a plugin: use up to 32 lower-case letters, digits and single _ between them, "
    "beginning with a letter{}": (
        "{0} 不能作为插件名：最多 32 个小写字母和数字，中间可用单个 _ 分隔，以字母开头{1:t}"
    ),
    "{} would do": "例如 {0}",
    "there is a platform {} already, and a plugin cannot replace it; choose another name (see "
    "hotstream list-platforms)": (
        "已有平台 {0}，插件不能取代它；请换一个名称（见 hotstream list-platforms）"
    ),
    "{} exists already and is left as it is; name another with --dir": (
        "{0} 已存在，保持原样；请用 --dir 指定另一个目录"
    ),
    "{} does not exist: make it first": "{0} 不存在：请先创建",
    "List platforms, extractors and storages, where each comes from, and what is broken.": (
        "列出平台、提取器和存储，各自的来源，以及损坏的插件。"
    ),
    "Check that every plugin, or the one called NAME, can be loaded, made and used.": (
        "检查每个插件，或名为 NAME 的插件，能否加载、创建和使用。"
    ),
    "The exit code is 0 when all is well, 1 when something is broken, 3 when there is no NAME. "
    "What a plugin does with real pages is the matter of its tests: see "
    "hotstream_reactive.testing.": (
        "全部正常时退出码为 0，有损坏的为 1，没有 NAME 时为 3。"
        "插件能否处理真实页面由它的测试负责：见 hotstream_reactive.testing。"
    ),
    "no plugin {} here; hotstream plugins list names them.": (
        "此处没有插件 {0}；hotstream plugins list 列出全部插件。"
    ),
    "Install its package into this Python, or name its folder in plugins.plugin_dirs.": (
        "请把它的包安装到这个 Python，或在 plugins.plugin_dirs 中给出它的目录。"
    ),
    "kind": "种类",
    "class": "类",
    "result": "结果",
    "what is said about it": "说明",
    "storage": "存储",
    "plugin": "插件",
    "file": "文件",
    "{} {} of {} is left out: {}": "略去{0:t} {1}（来自 {2}）：{3:t}",
    "there is no platform of this name, so it reads nothing": "没有同名的平台，因此什么也不会读取",
    "has no extractor: it must yield DataItem itself": "没有提取器：必须自己给出 DataItem",
    "switched off: set platforms.{}.enabled = true": "已关闭：请设置 platforms.{0}.enabled = true",
    "cannot be made: {}": "无法创建：{0}",
    # health
    "Say whether the workers of this folder are alive.": "说明此目录中的工作进程是否存活。",
    "Say whether the workers that were started in this folder are alive; asks no server.": (
        "说明在此目录中启动的工作进程是否存活；不访问任何服务器。"
    ),
    "Reads what they write into monitoring.health_dir. Exit code 0: alive. 1: alive but deaf, that "
    "is, its event loop is stuck for 20 s, or MongoDB has not answered for 60 s, or the stream is "
    "dead for 60 s and sweeps are not answered for 30 s. 3: dead, or there is none.": (
        "读取它们写入 monitoring.health_dir 的内容。退出码 0：存活（alive）。"
        "1：存活但无响应（deaf），即事件循环停顿 20 秒，或 MongoDB 60 秒没有应答，"
        "或变更流中断 60 秒且轮询 30 秒没有得到应答。3：已死（dead），或没有工作进程。"
    ),
    "Only the workers whose id begins like this.": "只看 id 以此开头的工作进程。",
    "no worker writes its signs of life here ({})": "没有工作进程在此写入存活信息（{0}）",
    'monitoring.health_dir is ""': "monitoring.health_dir 为空",
    "process {} has ended without a farewell": "进程 {0} 意外结束",
    "its event loop has not come round for {} s": "事件循环已停顿 {0} 秒",
    "MongoDB has not answered for {} s": "MongoDB 已有 {0} 秒没有应答",
    "the stream is {} for {} s, and no sweep was answered for {} s": (
        "变更流处于“{0:t}”已 {1} 秒，且轮询已有 {2} 秒没有得到应答"
    ),
    "stream {}, loop {} s ago, MongoDB {} s ago": (
        "变更流：{0:t}，事件循环：{1} 秒前，MongoDB：{2} 秒前"
    ),
}
