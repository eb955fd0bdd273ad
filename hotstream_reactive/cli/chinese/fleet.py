"""Verbs for workers and the whole fleet, and for setting up."""

CHINESE = {
    # start-daemon
    "Run tasks until told to stop.": "运行任务，直到被要求停止。",
    "Run tasks until stopped: SIGTERM or Ctrl-C drains, a second one stops at once.": (
        "运行任务，直到停止：SIGTERM 或 Ctrl-C 收尾后退出，再来一次则立即停止。"
    ),
    "Start an embedded MongoDB replica set and use it (the default without mongodb.uri).": (
        "启动并使用自带的 MongoDB 副本集（没有 mongodb.uri 时的默认行为）。"
    ),
    "Slots (scheduler.max_concurrent_tasks).": "槽位数（scheduler.max_concurrent_tasks）。",
    "Use the change stream (scheduler.reactive); without it the polling loops do all.": (
        "使用变更流（scheduler.reactive）；不用时全靠轮询。"
    ),
    "Name of this worker (framework.worker_id).": "这个工作进程的名称（framework.worker_id）。",
    "MongoDB driver (mongodb.driver).": "MongoDB 驱动（mongodb.driver）。",
    "Show the dashboard on this terminal; the log goes to monitoring.log_file and to key l.": (
        "在此终端显示面板；日志写入 monitoring.log_file，按 l 可查看。"
    ),
    # dashboard
    "Show live what runs, waits and fails.": "实时显示运行、等待和失败的任务。",
    "Show live what runs, what waits and why, what failed, and who works.": (
        "实时显示什么在运行、什么在等待以及原因、什么失败了、谁在工作。"
    ),
    "It reads, and writes nothing unless a key asks for it; a user who may only read is enough. "
    "Ends with q or Ctrl-C. With --plain it prints lines to grep, and ends.": (
        "只读取；除非按键要求，否则不写入，只读用户即可。按 q 或 Ctrl-C 退出。"
        "使用 --plain 时输出便于 grep 的行，然后结束。"
    ),
    "Print one screen and end.": "输出一屏后结束。",
    "Print one JSON object and end.": "输出一个 JSON 对象后结束。",
    "A line for each change (the default in a pipe).": "每次变化输出一行（管道中的默认方式）。",
    # pause, resume, limit
    "Start no more tasks, of a platform or at all.": "不再开始新任务：某个平台，或全部。",
    "Start no more tasks of PLATFORM, or none at all; running tasks go on.": (
        "不再开始 PLATFORM 的任务，或任何任务；运行中的任务继续。"
    ),
    "Why, for whoever looks; up to 500 characters.": "原因，给查看的人；最多 500 个字符。",
    "more than 500 characters": "超过 500 个字符",
    "Start tasks again after a pause.": "暂停之后恢复开始任务。",
    "Start tasks of PLATFORM again, or of the engine; what waits starts at once.": (
        "恢复开始 PLATFORM 或整个引擎的任务；等待的任务立即开始。"
    ),
    "A pause of the engine and one of a platform are apart: each is resumed by itself.": (
        "引擎的暂停和平台的暂停互相独立：需分别恢复。"
    ),
    "Limit a platform in the whole fleet, at once.": "限制整个集群中的某个平台，立即生效。",
    "Limit how many tasks of PLATFORM run, or how fast they ask, in the whole fleet.": (
        "限制整个集群中 PLATFORM 同时运行的任务数，或请求速率。"
    ),
    "Tasks that run at the same time, in the whole fleet; 0 is no limit.": (
        "整个集群中同时运行的任务数；0 为不限。"
    ),
    "Requests of all workers together.": "所有工作进程合计的每分钟请求数。",
    "Take back both, so that config.toml holds again.": "撤销两项限制，恢复使用 config.toml。",
    "give --max-running, --requests-per-minute or both, or --clear": (
        "请给出 --max-running、--requests-per-minute 或两者，或者 --clear"
    ),
    # task-stats
    "Count tasks: waiting, running, done, failed.": "统计任务：等待、运行、完成、失败。",
    "Count the tasks: by status and platform, waiting, running, and by whom.": (
        "统计任务：按状态和平台，等待的、运行中的，以及由谁运行。"
    ),
    "waiting: {} due, {} delayed": "等待：{0} 个到期，{1} 个延后",
    "; the oldest due since {}": "；最久的已到期 {0}",
    "; the next delayed one {}": "；下一个延后的在 {0}",
    "running: {}": "运行中：{}",
    "all": "合计",
    "workers: none seen": "工作进程：没有",
    "last heartbeat": "最近心跳",
    "workers": "工作进程",
    # info, config
    "Show versions, database and plugins.": "显示版本、数据库和插件。",
    "Show versions, the database, plugins and counts; nothing is started.": (
        "显示版本、数据库、插件和数量；不启动任何东西。"
    ),
    "none, all defaults": "无，全部使用默认值",
    "embedded, in this folder": "自带的，在此目录中",
    "not reachable: {}": "无法连接：{0:t}",
    "the embedded MongoDB of this folder is not running: hotstream start-daemon": (
        "此目录中自带的 MongoDB 没有运行：hotstream start-daemon"
    ),
    "Show every setting in force and where it comes from.": "显示每一项生效的设置及其来源。",
    "Show every setting in force and where it comes from; secrets are shown as ***.": (
        "显示每一项生效的设置及其来源；机密显示为 ***。"
    ),
    "The exit code is 78 when a setting cannot be used, and every wrong one is named.": (
        "有设置不可用时退出码为 78，并指出每一处错误。"
    ),
    "Only say whether the configuration can be used.": "只说明配置是否可用。",
    "ok: {}; {} settings are not from the defaults": "正常：{0}；{1} 项设置不是默认值",
    # init
    "Create the collections and indexes in MongoDB.": "在 MongoDB 中创建集合和索引。",
    "Create the collections and indexes; workers do the same when they start.": (
        "创建集合和索引；工作进程启动时也会这样做。"
    ),
    "Harmless when called again. The exit code is 1 when something could not be made, 4 when "
    "--strict cannot be had because there are wrong tasks.": (
        "可以放心重复执行。有内容无法创建时退出码为 1；因存在错误的任务而不能使用 --strict 时为 4。"
    ),
    "Only write a commented config.toml into the working directory, if there is none.": (
        "只在当前目录写入带注释的 config.toml（如果没有）。"
    ),
    "Let MongoDB refuse wrong task documents, whoever writes them; or not any more.": (
        "让 MongoDB 拒绝错误的任务文档，无论由谁写入；或取消这一设置。"
    ),
    "Refuse also updates of tasks that are wrong already.": "也拒绝更新原本就有错的任务。",
    "Create the roles hotstreamWorker, hotstreamProducer, hotstreamViewer for users.": (
        "创建供用户使用的角色 hotstreamWorker、hotstreamProducer、hotstreamViewer。"
    ),
    "--strict needs --validator": "--strict 要和 --validator 一起用",
    "exists": "已存在",
    "created": "已创建",
    "set": "已设置",
    "index {}": "索引 {}",
    "role {}": "角色 {}",
    "updated": "已更新",
    "validator {}": "校验器 {0}",
    "(left as it is)": "（保持原样）",
    "this installation has no {}.": "安装中缺少 {0}。",
    "Install hotstream-reactive again.": "请重新安装 hotstream-reactive。",
    "{} tasks are wrong by this validator, and workers could not end them under a strict one.": (
        "有 {0} 个任务不符合校验器；在 strict 模式下工作进程无法结束它们。"
    ),
    "Mend or delete them, or leave out --strict; find them with: db.tasks.find({$nor: "
    "[db.getCollectionInfos({name: 'tasks'})[0].options.validator]}) after "
    "`hotstream init --validator`": (
        "请修正或删除它们，或不用 --strict；在 `hotstream init --validator` 之后可这样查找："
        "db.tasks.find({$nor: [db.getCollectionInfos({name: 'tasks'})[0].options.validator]})"
    ),
    # doctor, completion
    "Check this installation and say how to mend it.": "检查安装，并说明如何修正。",
    "Check configuration, MongoDB, browser, plugins and disk; takes half a minute at most.": (
        "检查配置、MongoDB、浏览器、插件和磁盘；最多半分钟。"
    ),
    "The exit code is 1 when something failed; warnings do not count.": (
        "有检查失败时退出码为 1；警告不算。"
    ),
    "Print a script that completes words.": "输出命令补全脚本。",
    "Print the script that lets SHELL complete verbs, options, ids of tasks and platforms.": (
        "输出脚本，让 SHELL 能补全命令、选项、任务 id 和平台。"
    ),
    "Ids are looked up in the database of the other options and of config.toml, within 0.3 s.": (
        "id 从其他选项和 config.toml 指定的数据库中查找，限时 0.3 秒。"
    ),
}
