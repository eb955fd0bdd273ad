"""Findings of the doctor, with their remedies."""

CHINESE = {
    "{}; {} settings are not from the defaults": "{0:t}；{1} 项设置不是默认值",
    "Mend it; the other checks need it.": "请修正；其他检查需要它。",
    "Mend mongodb.uri (or MONGODB_URI), or start the server.": (
        "请修正 mongodb.uri（或 MONGODB_URI），或启动服务器。"
    ),
    "Grant the user the role readWrite on the database.": "请授予该用户数据库的 readWrite 角色。",
    "Check user, password and authSource.": "请检查用户、密码和 authSource。",
    "Install mongod, or set MONGODB_URI.": "请安装 mongod，或设置 MONGODB_URI。",
    "Use MongoDB 4.4 or newer.": "请使用 MongoDB 4.4 或更新的版本。",
    "MongoDB {}, {}; {}": "MongoDB {0}，{1:t}；{2:t}",
    "embedded, started for this check": "自带的，为本次检查启动",
    "replica set {} ({} member, primary {})": "副本集 {0}（{1} 个成员，主节点 {2}）",
    "replica set {} ({} members, primary {})": "副本集 {0}（{1} 个成员，主节点 {2}）",
    "sharded cluster": "分片集群",
    "{}: no change stream and no transactions, so tasks are found by polling": (
        "{0:t}：没有变更流和事务，因此靠轮询查找任务"
    ),
    "Run it as a replica set (one node is enough): mongod --replSet rs0, rs.initiate().": (
        "请以副本集运行（一个节点即可）：mongod --replSet rs0，rs.initiate()。"
    ),
    "this user may {}": "此用户可以 {0}",
    "Run `hotstream init` as another user.": "请以其他用户运行 `hotstream init`。",
    "Run `hotstream init`; a worker creates them too.": (
        "请运行 `hotstream init`；工作进程也会创建。"
    ),
    "Run `hotstream init --validator`.": "请运行 `hotstream init --validator`。",
    "insert to change event in {} ms": "从插入到变更事件 {0} 毫秒",
    "one in {} ms": "一次 {0} 毫秒",
    "{} Tasks are found by polling.": "{0:t} 任务靠轮询查找。",
    "See the server's log.": "请查看服务器的日志。",
    "Remove them by hand: db.{}.drop()": "请手动移除：db.{0}.drop()",
    "all are there": "全部存在",
    "missing: {}": "缺少：{0}",
    "none: wrong tasks are refused by workers; see hotstream init --validator": (
        "无：错误的任务由工作进程拒绝；参见 hotstream init --validator"
    ),
    "wrong tasks are refused when they are written ({}, {})": "写入时即拒绝错误的任务（{0}，{1}）",
    "it is not that of this version": "不是本版本的校验器",
    "the server's clock is {} s ahead of this machine's (± {} s)": (
        "服务器时钟比本机快 {0} 秒（± {1} 秒）"
    ),
    "the server's clock is {} s behind this machine's (± {} s)": (
        "服务器时钟比本机慢 {0} 秒（± {1} 秒）"
    ),
    "Let NTP set both clocks; due times go by the server's.": (
        "请用 NTP 校准两边的时钟；到期时间以服务器为准。"
    ),
    "its window is not known: this user may not read it, as is usual": (
        "时间窗口未知：此用户无权读取，这很常见"
    ),
    "there is none": "没有",
    "spans {} h": "覆盖 {0} 小时",
    "{} (a young or very busy server)": "{0:t}（服务器刚启动或非常繁忙）",
    "spans {} h (a young or very busy server)": "覆盖 {0} 小时（服务器刚启动或非常繁忙）",
    "none is running now; start one with: hotstream start-daemon": (
        "现在没有运行；启动一个：hotstream start-daemon"
    ),
    "alive: {}": "存活：{0}",
    "{} silent for more than {} s, e.g. {} (heard of {}, {} tasks)": (
        "{0} 个超过 {1} 秒无响应，如 {2}（上次 {3}，{4} 个任务）"
    ),
    "Living workers take their tasks over; start one if there is none.": (
        "存活的工作进程会接管它们的任务；如果没有，请启动一个。"
    ),
    "timed out after {} s": "{0} 秒后超时",
    "Try again when the machine is less busy.": "请在机器不忙时再试。",
    "Look into the log of the server, or try again.": "请查看服务器的日志，或再试一次。",
    "Mend this plugin, or remove it.": "请修正或移除这个插件。",
    "platforms: {}; storages: {}": "平台：{0}；存储：{1}",
    "switched off": "已关闭",
    "no Nitter instance is configured, so tasks of this platform fail": (
        "没有配置 Nitter 实例，因此这个平台的任务会失败"
    ),
    "Set platforms.twitter.instances; `hotstream test-nitter NASA` tries them.": (
        "请设置 platforms.twitter.instances；用 `hotstream test-nitter NASA` 可以试验。"
    ),
    "{} Nitter instances are configured": "配置了 {0} 个 Nitter 实例",
    "Set storage.output_dir to a folder that this user may write.": (
        "请把 storage.output_dir 设为此用户可写的目录。"
    ),
    "{} is no folder": "{0} 不是目录",
    "{} cannot be made in {}": "无法在 {1} 中创建 {0}",
    "{} can be written, {} GiB free": "{0} 可写，剩余 {1} GiB",
    "Free some space, or set storage.output_dir elsewhere.": (
        "请腾出空间，或把 storage.output_dir 设到别处。"
    ),
    "no Chromium found: pages that need a browser cannot be read": (
        "没有找到 Chromium：无法读取需要浏览器的页面"
    ),
    "no file at {}": "{0} 处没有文件",
    "system's": "系统自带的",
    "playwright's": "playwright 的",
    "{} does not start: {}": "{0} 无法启动：{1}",
    "Chromium {} starts (the {}, {})": "Chromium {0} 可以启动（{1:t}，{2}）",
    "Run `playwright install chromium`, install Chromium, or name one in fetch.chromium.": (
        "请运行 `playwright install chromium`，或安装 Chromium，或在 fetch.chromium 中指定。"
    ),
}
