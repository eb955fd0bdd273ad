"""What runs beside a worker: figures, notifications."""

CHINESE = {
    "a program and its arguments, each a text in a list": "程序及其参数，列表中每一项为一个文本",
    "a list of completed, nothing_found, failed, needs_login": (
        "由 completed、nothing_found、failed、needs_login 组成的列表"
    ),
    "[monitoring] traces_endpoint = {}: OpenTelemetry is not installed; "
    "pip install 'hotstream-reactive[otel]', or set it to \"\"": (
        "[monitoring] traces_endpoint = {0}：没有安装 OpenTelemetry；"
        "请运行 pip install 'hotstream-reactive[otel]'，或将其设为 \"\""
    ),
    "[monitoring] metrics_address = {}: prometheus-client is not installed; "
    "pip install 'hotstream-reactive[metrics]', or set it to \"\"": (
        "[monitoring] metrics_address = {0}：没有安装 prometheus-client；"
        "请执行 pip install 'hotstream-reactive[metrics]'，或设为 \"\""
    ),
}
