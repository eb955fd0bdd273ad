"""Errors of the database, of settings and of the log."""

CHINESE = {
    "Start MongoDB or mend mongodb.uri (MONGODB_URI); `hotstream doctor` tells more.": (
        "请启动 MongoDB，或修正 mongodb.uri（MONGODB_URI）；`hotstream doctor` 会给出更多信息。"
    ),
    "MongoDB did not answer while {}: {}": "MongoDB 没有应答（{0:t}）：{1}",
    "MongoDB was too slow while {}: {}": "MongoDB 太慢（{0:t}）：{1}",
    "MongoDB failed while {}: {} (code {})": "MongoDB 出错（{0:t}）：{1}（代码 {2}）",
    "MongoDB refused while {}: {} (code {}). "
    "Check user, password, authSource and roles in mongodb.uri.": (
        "MongoDB 拒绝（{0:t}）：{1}（代码 {2}）。"
        "请检查 mongodb.uri 的用户、密码、authSource 和角色。"
    ),
    "a value cannot be stored while {}: {}": "有值无法保存（{0:t}）：{1}",
    "MongoDB gave no answer while pacing requests": "控制请求速率时 MongoDB 没有应答",
    "a lost lease writes nothing": "租约已失，什么也没有写入",
    "no change event within {} s": "{0} 秒内没有变更事件",
    "mongodb.uri cannot be used ({}): expected "
    "mongodb://user:password@host:27017/?replicaSet=rs0 with user and password percent-encoded. "
    "Mend it in config.toml or in MONGODB_URI.": (
        "mongodb.uri 不可用（{0}）：应形如 mongodb://user:password@host:27017/?replicaSet=rs0，"
        "用户和密码需百分号编码。请在 config.toml 或 MONGODB_URI 中修正。"
    ),
    # what was being done
    "connecting": "连接",
    "counting documents": "统计文档",
    "counting tasks": "统计任务",
    "counting the queue": "统计队列",
    "creating a task": "创建任务",
    "creating roles (a user with userAdmin on the database may)": (
        "创建角色，需要对该数据库有 userAdmin 权限的用户"
    ),
    "editing a task": "修改任务",
    "editing tasks": "修改任务",
    "installing the validator": "安装校验器",
    "listing tasks (--status narrows it)": "列出任务，可用 --status 缩小范围",
    "looking for wrong tasks": "查找错误的任务",
    "opening a change stream": "打开变更流",
    "reading a change stream": "读取变更流",
    "reading a task": "读取任务",
    "reading for the dashboard": "为面板读取",
    "reading items": "读取条目",
    "reading tasks": "读取任务",
    "looking for who records the history": "查找由谁记录历史",
    "looking for task ids": "查找任务 id",
    "reading heartbeats": "读取心跳",
    "reading running tasks": "读取运行中的任务",
    "reading tasks for the dashboard": "为面板读取任务",
    "reading the dashboard's change stream": "读取面板的变更流",
    "counting running tasks": "统计运行中的任务",
    "counting waiting tasks": "统计等待的任务",
    "closing a change stream": "关闭变更流",
    "inserting a scratch document": "插入临时文档",
    "removing the doctor's own documents": "移除诊断自己的文档",
    "reading the controls": "读取控制文档",
    "reading the history": "读取历史",
    "reading the indexes": "读取索引",
    "reading the oplog": "读取 oplog",
    "reading the queue": "读取队列",
    "reading the runs of a task": "读取任务的运行记录",
    "reading the server's clock": "读取服务器时钟",
    "reading the state of the history": "读取历史的状态",
    "reading the validator": "读取校验器",
    "reading the workers": "读取工作进程",
    "selecting tasks": "选择任务",
    "trying a transaction": "尝试事务",
    "writing a control": "写入控制文档",
    # the embedded server
    "no mongod found: {}": "没有找到 mongod：{0}",
    "HOTSTREAM_MONGOD is {}, which is not an executable file: "
    "set it to the path of mongod, or unset it": (
        "HOTSTREAM_MONGOD 为 {0}，不是可执行文件：请设为 mongod 的路径，或取消设置"
    ),
    "mongod ended with code {} while starting{}": "mongod 启动时以代码 {0} 结束{1}",
    "mongod does not answer{}": "mongod 没有应答{0}",
    "mongod's guardian does not answer{}": "mongod 的看护进程没有应答{0}",
    "the embedded MongoDB did not start within {} s": "自带的 MongoDB 没有在 {0} 秒内启动",
    "the embedded MongoDB is not started: call start() first": (
        "自带的 MongoDB 没有启动：请先调用 start()"
    ),
    "{} holds a replica set of {} node(s), not {}: start it with nodes={}, "
    "or choose another directory": (
        "{0} 中是 {1} 个节点的副本集，不是 {2} 个：请用 nodes={3} 启动，或换一个目录"
    ),
    "cannot run MongoDB in {}: {}": "无法在 {0} 中运行 MongoDB：{1}",
    "cannot set up the replica set: {}{}": "无法建立副本集：{0}{1}",
    "no replica set found{}": "没有找到副本集{0}",
    "the embedded replica set has no primary{}": "自带的副本集没有主节点{0}",
    "no healthy replica set member{}": "没有健康的副本集成员{0}",
    "{} is damaged ({}): remove this file, data is elsewhere": (
        "{0} 已损坏（{1}）：请删除这个文件，数据在别处"
    ),
    "{} is in use by the embedded MongoDB of process {}: "
    "stop that one, or choose another directory": (
        "{0} 正被进程 {1} 的自带 MongoDB 使用：请停止它，或换一个目录"
    ),
    "{} is still in use although its owner, process {}, has ended: "
    "end its mongod (process {}) and start again": (
        "{0} 仍被占用，虽然其所有者进程 {1} 已结束：请结束它的 mongod（进程 {2}）后再启动"
    ),
    # settings and the log
    "a setting cannot be used:": "有一项设置不可用：",
    "{} problems in settings:": "设置中有 {0} 个问题：",
    "{}; mend [plugins] plugin_dirs": "{0}；请修正 [plugins] plugin_dirs",
    "{}: no such setting; did you mean {}?": "{0:t}：没有这项设置；您是不是想用 {1}？",
    "{}: no such setting; remove it": "{0:t}：没有这项设置；请移除",
    "{}: no such key or table; did you mean {}?": "{0}：没有这个键或表；您是不是想用 {1}？",
    "{}: no such key or table; remove it (known: {})": "{0}：没有这个键或表；请移除（已知：{1}）",
    "{}: no such key or table; it belongs to {}": "{0}：没有这个键或表；它属于 {1}",
    "the command line": "命令行",
    "environment variable {}": "环境变量 {0}",
    "{} = {}: expected {}; change it, or remove it for the default {}": (
        "{0:t} = {1}：应为{2:t}；请修改，或移除以使用默认值 {3}"
    ),
    "{} (named by {}): {}; create it, name another file, or name none to use the defaults": (
        "{0}（由{1:t}指定）：{2}；请创建它、换一个文件，或不指定以使用默认值"
    ),
    "{}: line {} is not UTF-8; save the file as UTF-8": "{0}：第 {1} 行不是 UTF-8；请保存为 UTF-8",
    "{}: not valid TOML: {}; "
    'texts need quotes, tables look like [scheduler], lists like ["a", "b"]': (
        "{0}：不是有效的 TOML：{1}；文本要加引号，表形如 [scheduler]，列表形如 [“a”, “b”]"
    ),
    "{}: expected a table; write [{}] and keys below it": "{0}：应为表；请写 [{1}]，键写在下面",
    "{} = {} with {} = {}: expected a {} of at least {} x {}, {}; raise {} or lower {}": (
        "{0} = {1}，而 {2} = {3}：{4} 应至少为 {5} 倍 {6}（{7}）；请增大 {8} 或减小 {9}"
    ),
    '[monitoring] log_file = {}: {}; name a file this user may write, or "" for none': (
        "[monitoring] log_file = {0}：{1}；请给出此用户可写的文件，或用空文本表示不写"
    ),
    "[monitoring] log_rotation = {}, log_retention = {}: {}; "
    'use an age ("1 day"), a size ("100 MB") or a time of day ("00:00")': (
        "[monitoring] log_rotation = {0}，log_retention = {1}：{2}；"
        "请用时长（1 day）、大小（100 MB）或时刻（00:00）"
    ),
}
