"""The engine: from hint to outcome. It knows no driver and no web.

Read it in the order in which things happen: `watcher` and `sweeps` give hints, `intake` puts odd
documents in order, `dispatcher` claims, `runner` runs, `heartbeat` keeps the leases (`lifeline`
while an adapter blocks the loop), `completer` writes the outcome, `maintenance` takes back what
dead workers left. `worker` starts and stops all.
"""
