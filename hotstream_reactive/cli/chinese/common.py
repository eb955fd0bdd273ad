"""The program as a whole: its help, options of every verb, times and short words."""

CHINESE = {
    "HotStream Reactive: write a task into MongoDB, and it is scraped at once.": (
        "HotStream Reactive：把任务写入 MongoDB，立即开始采集。"
    ),
    "Documentation: docs/, or README.md to begin with.": "文档：docs/，入门请看 README.zh-CN.md。",
    "Configuration file (default: $HOTSTREAM_CONFIG, then ./config.toml).": (
        "配置文件（默认：$HOTSTREAM_CONFIG，其次 ./config.toml）。"
    ),
    "MongoDB to use (mongodb.uri).": "使用的 MongoDB（mongodb.uri）。",
    "Database to use (mongodb.database).": "使用的数据库（mongodb.database）。",
    "How much to log (framework.log_level).": "日志级别（framework.log_level）。",
    "Show tracebacks.": "显示 traceback。",
    "Log errors only; print no messages but them.": "只记录错误，也只显示错误消息。",
    "Log everything (--log-level DEBUG).": "记录全部日志（--log-level DEBUG）。",
    "Show the versions of HotStream, Python and the drivers.": (
        "显示 HotStream、Python 和驱动的版本。"
    ),
    "Language for people (default: $HOTSTREAM_LANG, then the locale).": (
        "界面语言（默认：$HOTSTREAM_LANG，其次 locale）。"
    ),
    "Without colours and bars; tables as lines with tabs, nothing cut.": (
        "不用颜色和进度条；表格改为以制表符分隔的行，不截断。"
    ),
    "Times in UTC instead of relative ones.": "显示 UTC 时间，而不是相对时间。",
    "Print one JSON object.": "输出一个 JSON 对象。",
    # messages
    ": ": "：",
    "error: {}": "错误：{}",
    "interrupted": "已中断",
    "name another file or mend its permissions": "请换一个文件，或修正它的权限",
    "run again with `hotstream --debug …` for the traceback": (
        "用 `hotstream --debug …` 再运行一次可看到 traceback"
    ),
    "give --quiet or --verbose, not both": "--quiet 和 --verbose 只能给一个",
    "give --plain or --json, not both": "--plain 和 --json 只能给一个",
    "it is not valid UTF-8": "不是有效的 UTF-8",
    "{} is not of the form key=value": "{0} 不是 key=value 的形式",
    "{} is no time; write 2030-01-31T08:00, or +10m (s, m, h, d)": (
        "{0} 不是时间；请写 2030-01-31T08:00，或 +10m（s、m、h、d）"
    ),
    "it is empty": "不能为空",
    "{}: starting an embedded MongoDB replica set, data in {}": (
        "{0:t}：正在启动自带的 MongoDB 副本集，数据在 {1}"
    ),
    "no mongodb.uri configured": "没有配置 mongodb.uri",
    "embedded MongoDB is up: {}": "自带的 MongoDB 已启动：{0}",
    "the process that ran the embedded MongoDB has ended: starting it here": (
        "运行自带 MongoDB 的进程已结束：改由此处启动"
    ),
    "not yet: {}": "还不行：{0:t}",
    "no mongodb.uri is configured and there is no embedded MongoDB in {}.": (
        "没有配置 mongodb.uri，{0} 中也没有自带的 MongoDB。"
    ),
    "Set MONGODB_URI, or start the embedded one: hotstream start-daemon": (
        "请设置 MONGODB_URI，或启动自带的：hotstream start-daemon"
    ),
    # times
    "min": "分钟",
    "h": "小时",
    "d": "天",
    "{} ago": "{0}前",
    "in {}": "{0}后",
    "due {}": "{0}到期",
    "for {}": "已 {0}",
    "in {} s": "用时 {0} 秒",
    "until {}": "至 {0}",
    "by {}": "由 {0}",
    # short words
    "yes": "是",
    "no": "否",
    "none": "无",
    "no file": "没有文件",
    "pending": "等待",
    "task": "任务",
    "type": "类型",
    "status": "状态",
    "note": "说明",
    "key": "键",
    "value": "值",
    "source": "来源",
    "built in": "内置",
    "id": "id",
    "author": "作者",
    "created (UTC)": "发布时间（UTC）",
    "content": "内容",
    "ms": "毫秒",
    "{} items": "{} 个条目",
    "{} tasks": "{} 个任务",
    "1 task": "1 个任务",
    "+{} more": "还有 {} 个",
}
