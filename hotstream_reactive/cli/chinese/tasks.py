"""Verbs that write, list, explain and edit tasks."""

CHINESE = {
    # create-task
    "Write a task; a worker starts it at once.": "写入一个任务，工作进程立即开始。",
    "Write a task; an idle worker starts it within milliseconds.": (
        "写入一个任务；空闲的工作进程会在几毫秒内开始。"
    ),
    "With --wait the exit code is 0 completed, 1 failed or cancelled, 124 waited too long.": (
        "使用 --wait 时的退出码：0 完成，1 失败或被取消，124 等待超时。"
    ),
    'Words to search: "a,b".': "搜索词：“a,b”。",
    'Accounts to monitor: "a,b".': "监控的账号：“a,b”。",
    "Items wanted.": "需要的条目数。",
    "Name for people (default: the id).": "给人看的名称（默认为 id）。",
    "1 (first) to 10 (last).": "1（最先）到 10（最后）。",
    "Start before all that are not immediate.": "先于所有非 immediate 的任务开始。",
    "mongodb, jsonl, json, csv or a plugin's (default: storage.default_type).": (
        "mongodb、jsonl、json、csv 或插件的存储（默认：storage.default_type）。"
    ),
    'Run again and again: a cron line, "0 9 * * *".': "反复运行：cron 表达式，如 “0 9 * * *”。",
    "Time zone of the schedule, e.g. Asia/Shanghai.": "计划的时区，如 Asia/Shanghai。",
    "Not before: ISO 8601 in UTC, or +10m.": "最早开始时间：UTC 的 ISO 8601，或 +10m。",
    "Retries at most.": "最多重试次数。",
    "Longest run, seconds.": "一次运行的时限，秒。",
    "More options; JSON is understood.": "其他选项；可以写 JSON。",
    "Allow a platform or storage not known here.": "允许此处未知的平台或存储。",
    "Wait for the end; the exit code is the task's.": "等到任务结束；退出码取自任务。",
    "Stop waiting, seconds.": "最多等待多少秒。",
    "--wait-timeout needs --wait": "--wait-timeout 要和 --wait 一起用",
    "a task with --schedule has no end to --wait for; leave one out": (
        "带 --schedule 的任务没有终点可等（--wait）；请去掉其中一个"
    ),
    "created task {}": "已创建任务 {0}",
    "task {} exists already": "任务 {0} 已存在",
    "task {} exists already ({}).": "任务 {0} 已存在（{1}）。",
    "Choose another id, or run it again with: {}": "请换一个 id，或再次运行它：{0}",
    "Nothing was written.": "没有写入任何内容。",
    "warning: platforms.{}.enabled is false here: "
    "a worker with this configuration will refuse the task": (
        "警告：此处 platforms.{0}.enabled 为 false：使用该配置的工作进程会拒绝这个任务"
    ),
    # waiting and watching
    "Follow a task live, to its end.": "实时跟踪一个任务，直到结束。",
    "Follow TASK until it has ended: its phase, progress and items.": (
        "跟踪 TASK 直到结束：阶段、进度和条目数。"
    ),
    "A task with a schedule comes back again and again, and is followed until it is cancelled.": (
        "带计划的任务会反复回来，一直跟踪到它被取消。"
    ),
    "The exit code is 0 completed, 1 failed or cancelled, 3 no such task, 124 watched too long.": (
        "退出码：0 完成，1 失败或被取消，3 没有这个任务，124 超时。"
    ),
    "Stop watching, seconds.": "最多跟踪多少秒。",
    "Print one JSON object per change.": "每次变化输出一个 JSON 对象。",
    "task {} was deleted while waiting for it": "等待期间任务 {0} 被删除",
    "still {} after {} s; the task goes on": "{1} 秒后仍为 {0}；任务会继续",
    "still pending: is a worker running? Start one with: hotstream start-daemon": (
        "仍在等待：有工作进程在运行吗？启动一个：hotstream start-daemon"
    ),
    "MongoDB does not answer; still trying": "MongoDB 没有应答；仍在尝试",
    # list
    "List tasks: what waits, runs, is done, failed.": "列出任务：等待、运行、完成、失败。",
    "List tasks, newest first: what waits, runs, is done, failed.": (
        "列出任务，新的在前：等待、运行、完成、失败。"
    ),
    "The fields of --plain: id, name, platform, type, status, priority (! for immediate), "
    "progress, items, run_at, created_at, started_at, completed_at, worker, error.": (
        "--plain 的字段：id、名称、平台、类型、状态、优先级（! 表示 immediate）、进度、条目数、"
        "run_at、created_at、started_at、completed_at、工作进程、错误。"
    ),
    "Only tasks in this state.": "只列出这个状态的任务。",
    "Only tasks of this platform.": "只列出这个平台的任务。",
    "Only tasks that this worker ran last.": "只列出最后由这个工作进程运行的任务。",
    "Only pending ones: in queue order, or by their time.": (
        "只列出等待的任务：按队列顺序，或按时间。"
    ),
    "At most.": "最多多少个。",
    "--due and --delayed are of pending tasks; leave out --status": (
        "--due 和 --delayed 只针对等待的任务；请去掉 --status"
    ),
    "no tasks found": "没有找到任务",
    "there are more than {}: --limit shows more, filters show fewer": (
        "超过 {0} 个：用 --limit 显示更多，或用过滤条件缩小范围"
    ),
    # show
    "Show a task, its last runs and their log.": "显示一个任务、它最近的运行和日志。",
    "Show TASK as it stands, its last runs, and what a run wrote into the log.": (
        "显示 TASK 的现状、最近的运行，以及某次运行写下的日志。"
    ),
    "The exit code is 3 when there is no such task.": "没有这个任务时退出码为 3。",
    "Last runs.": "最近的运行次数。",
    "With the last lines of the log of the last run.": "附上最近一次运行的最后几行日志。",
    "The log of this run instead; implies --log.": "改为显示这次运行的日志；隐含 --log。",
    "there is no task {}; see the ids with: hotstream list": (
        "没有任务 {0}；查看现有的 id：hotstream list"
    ),
    "priority {}": "优先级 {}",
    "not given": "未给出",
    "what": "内容",
    "queue": "排队",
    "last run": "最近一次运行",
    "written": "写入",
    "other fields": "其他字段",
    "the schedule fires next:": "计划的下几次时间：",
    "run": "次",
    "outcome": "结果",
    "took": "用时",
    "no run{} is kept; runs are kept for monitoring.runs_retention_days": (
        "没有保留运行{0}；运行记录保留 monitoring.runs_retention_days 天"
    ),
    "log of run {}:": "第 {0} 次运行的日志：",
    "(no lines were kept)": "（没有保留日志）",
    "raised at:": "出错位置：",
    # explain
    "Say what keeps a task from starting.": "说明任务为何没有开始。",
    "Say what keeps TASK from starting, one thing on a line, or that it may start now.": (
        "说明 TASK 为何没有开始，每行一条；或者说明它可以开始。"
    ),
    "It asks the conditions by which the workers decide. Times are those of the server.": (
        "判断条件与工作进程相同。时间以服务器为准。"
    ),
    "may start now": "可以开始",
    # edits
    "Cancel tasks: what waits, and what runs, at once.": "取消任务：等待的和运行中的，立即生效。",
    "Cancel tasks: what waits never starts, what runs stops at once.": (
        "取消任务：等待的不再开始，运行中的立即停止。"
    ),
    "Name them, or choose many by --status and --platform; what runs and what waits is meant.": (
        "给出任务 id，或用 --status 和 --platform 选择多个；对象是运行中和等待的任务。"
    ),
    "The exit code is 3 for a task that is not there, 4 for one that has ended already.": (
        "任务不存在时退出码为 3，任务已结束时为 4。"
    ),
    "Run failed, cancelled or completed tasks again.": "再次运行失败、已取消或已完成的任务。",
    "Run tasks again that have failed, were cancelled or have completed; they start afresh.": (
        "再次运行失败、已取消或已完成的任务；它们从头开始。"
    ),
    "Name them, or choose many by --status and --platform; failed and cancelled ones are meant, "
    "completed ones only with --status completed.": (
        "给出任务 id，或用 --status 和 --platform 选择多个；对象是失败和已取消的任务，"
        "已完成的只在给出 --status completed 时包括在内。"
    ),
    "The exit code is 3 for a task that is not there, 4 for one that waits or runs already.": (
        "任务不存在时退出码为 3，任务已在等待或运行时为 4。"
    ),
    "Let pending tasks start first, and at once.": "让等待的任务最先、立即开始。",
    "Let pending tasks start first, and at once, although they may not be due yet.": (
        "让等待的任务最先、立即开始，即使还没有到期。"
    ),
    "The exit code is 3 for a task that is not there, 4 for one that does not wait any more.": (
        "任务不存在时退出码为 3，任务已不在等待时为 4。"
    ),
    "All tasks in this state.": "这个状态的所有任务。",
    "All of this platform.": "这个平台的所有任务。",
    "Do not ask before many are changed.": "修改多个任务前不再询问。",
    "Only say what would be changed.": "只说明会修改什么。",
    "Before all others.": "先于所有其他任务。",
    "Leave a later run_at as it is.": "保留以后的 run_at。",
    "name the tasks to {}, or choose them by --status and --platform": (
        "请给出要 {0} 的任务，或用 --status 和 --platform 选择"
    ),
    "name the tasks to {}, or choose them by --status and --platform, not both": (
        "给出要 {0} 的任务，或用 --status 和 --platform 选择，两者不能同时用"
    ),
    "there is no way to {} a {} task": "无法对 {1} 的任务执行 {0}",
    "put back": "已放回",
    "promoted": "已提前",
    "cancelled": "已取消",
    "would be {}": "将会{0}",
    "would be cancelled": "将取消",
    "would be put back": "将放回",
    "would be promoted": "将提前",
    "(was {})": "（原为 {}）",
    "no task matches": "没有匹配的任务",
    "nothing was changed": "没有修改任何任务",
    "left alone, changed meanwhile": "期间已被修改，未处理",
    "; {} at a time, there may be more": "；一次最多 {0} 个，可能还有更多",
    "{} {}? Say --yes to do it, --dry-run to see which.": (
        "{0} {1}？执行请加 --yes，查看有哪些请加 --dry-run。"
    ),
    "task {} was written anew while you looked; try again": "任务 {0} 刚刚被重新写入；请再试一次",
    "task {} would fail again: {}": "任务 {0} 会再次失败：{1:t}",
    "Mend it first, then retry.": "请先修正，再重试。",
    "{} is cancelled already": "{0:t} 早已取消",
    "task {}": "任务 {0}",
    "{} has ended already ({}): there is nothing to cancel": "{0:t} 已结束（{1}）：没有可取消的",
    "{} is running on {}; stop it first with: hotstream cancel {}": (
        "{0:t} 正在 {1} 上运行；请先停止它：hotstream cancel {2}"
    ),
    "{} is pending already; start it first with: hotstream promote {}": (
        "{0:t} 已在等待；让它最先开始：hotstream promote {1}"
    ),
    "or see what holds it with: hotstream explain {}": "或查看原因：hotstream explain {0}",
    "{} is running already, on {}": "{0:t} 已在 {1} 上运行",
    "{} has a status that is none: {}": "{0:t} 的状态无效：{1}",
    "{} has ended already ({}); {}": "{0:t} 已结束（{1}）；{2:t}",
    "run it again with: hotstream retry {}": "再次运行：hotstream retry {0}",
    "task {} changes too quickly; try again": "任务 {0} 变化太快；请再试一次",
    "task {} was run again while you looked; look at it, and say it once more if you mean it": (
        "任务 {0} 刚刚又运行了一次；请看一眼，确实需要的话再执行一次"
    ),
    # history
    "Show what happened to a task, also edits of others.": "显示任务的历史，包括他人的修改。",
    "Show what happened to TASK and when, oldest first, also edits by other programs.": (
        "显示 TASK 何时发生过什么，旧的在前，包括其他程序的修改。"
    ),
    "There is a history only where a worker records one: [history] enabled = true.": (
        "只有工作进程在记录时才有历史：[history] enabled = true。"
    ),
    "The exit code is 3 when nothing is known of the task.": "对任务一无所知时退出码为 3。",
    "Most records, the last ones.": "最多多少条记录，取最后的。",
    "nobody records now, the last time was {}. {}": "现在没有进程在记录，上一次是 {0}。{1:t}",
    "Switch it on for the workers with [history] enabled = true in config.toml or "
    "HOTSTREAM_HISTORY_ENABLED=true, and start them again.": (
        "请在 config.toml 中设置 [history] enabled = true（或 HOTSTREAM_HISTORY_ENABLED=true），"
        "并重新启动工作进程。"
    ),
    "no history of task {}: history is not recorded.": "没有任务 {0} 的历史：历史没有被记录。",
    "no history of task {}.": "没有任务 {0} 的历史。",
    "Check the id; history is recorded since {}": "请检查 id；历史自 {0} 起记录",
    "Check the id; nobody records since {}. {}": "请检查 id；自 {0} 起没有进程在记录。{1:t}",
    "something may be missing here": "此处可能有缺失",
    "removed": "已移除",
    # validate, schema
    "Check task documents in a file; runs nothing.": "检查文件中的任务文档，不运行任何任务。",
    "Check the task documents in FILE (- is stdin); nothing is run, nothing is written.": (
        "检查 FILE（- 为标准输入）中的任务文档；不运行，也不写入。"
    ),
    "FILE holds JSON or Extended JSON: one document, a list of them, or one per line. Of a good "
    "document you see the form a worker works with, and when its schedule fires next.": (
        "FILE 是 JSON 或 Extended JSON：一个文档、文档数组，或每行一个。对正确的文档，"
        "会显示工作进程实际使用的形式，以及计划的下几次时间。"
    ),
    "The exit code is 65 when any document is wrong.": "任何文档有错时退出码为 65。",
    "there is no document in it": "其中没有文档",
    "more than {} MiB": "超过 {0} MiB",
    "it is not UTF-8 (byte {})": "不是 UTF-8（第 {0} 字节）",
    "{} of {} documents are right": "{1} 个文档中有 {0} 个正确",
    "1 thing is wrong": "有 1 处错误",
    "{} things are wrong": "有 {0} 处错误",
    "(default)": "（默认）",
    "it fires next:": "下几次时间：",
    "document {}": "文档 {0}",
    "the text": "全文",
    "it is nested too deeply": "嵌套过深",
    "it is no JSON: {}": "不是 JSON：{0}",
    "it is no Extended JSON: {}": "不是 Extended JSON：{0}",
    "expected an object, not {}": "应为对象，而不是 {0}",
    "{}, is that of {} too": "{0}，与{1:t}重复",
    "Print the JSON Schema of a task document.": "输出任务文档的 JSON Schema。",
    "Print the JSON Schema (draft 2020-12) of a task document.": (
        "输出任务文档的 JSON Schema（draft 2020-12）。"
    ),
    "With --mongodb it is what `hotstream init --validator` installs.": (
        "使用 --mongodb 时，就是 `hotstream init --validator` 安装的内容。"
    ),
    "One line, with schema_version around it.": "输出一行，外层带 schema_version。",
    "The validator of MongoDB: {$jsonSchema: …}.": "MongoDB 的校验器：{$jsonSchema: …}。",
}
