// Watch all tasks from outside, in the MongoDB shell, until Ctrl-C: one line for every change.
//
//   mongosh --quiet "$MONGODB_URI" examples/follow.js
//   ONLY=search_002 mongosh --quiet "$MONGODB_URI" examples/follow.js   # until this one ends
const database = db.getSiblingDB(process.env.MONGODB_DATABASE || "hotstream");
const words = ["pending", "running", "completed", "failed", "cancelled"];
const only = process.env.ONLY;

const seen = only ? [{ $match: { "fullDocument.task_id": only } }] : [];
const changes = database.tasks.watch(seen, { fullDocument: "updateLookup" });
changes.tryNext(); // opens the stream
print("watching");

for (;;) {
  const change = changes.tryNext();
  if (!change || !change.fullDocument) continue;
  const { task_id, status, progress, result_count } = change.fullDocument;
  const percent = Math.round((progress || 0) * 100);
  print(`${task_id} ${words[status] || "?"} ${percent}% ${result_count || 0} items`);
  if (only && status >= 2) break;
}
changes.close();
