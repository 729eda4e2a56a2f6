"""
Logs one point after another, in two runs: in one each call waits for the server, in the other the client's own
queue sends. Prints each step, so that whoever started it can take the server away meanwhile.
"""

import json
import sys
import time

import mlflow

steps = int(sys.argv[1])
mlflow.set_experiment("outage")
client = mlflow.MlflowClient()
queued = client.create_run(client.get_experiment_by_name("outage").experiment_id).info.run_id
with mlflow.start_run() as run:
    for step in range(steps):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"a": step, "b": -step}, step=step, run_id=queued, synchronous=False)
        print(f"step {step}", flush=True)
        time.sleep(0.01)
    mlflow.log_param("steps", steps)
mlflow.flush_async_logging()
assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == list(range(steps))
for key, sign in (("a", 1), ("b", -1)):
    points = [(m.step, m.value) for m in client.get_metric_history(queued, key)]
    assert points == [(step, sign * step) for step in range(steps)], (key, len(points))
assert client.get_run(run.info.run_id).info.status == "FINISHED"
print(json.dumps({"run": run.info.run_id, "queued": queued}))
