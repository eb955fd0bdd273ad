// Write a task, wait for its end, print its items, in the MongoDB shell.
//
//   PLATFORM=twitter KEYWORD="change streams" mongosh "$MONGODB_URI" examples/producer.js
const database = db.getSiblingDB(process.env.MONGODB_DATABASE || "hotstream");
const taskId = `example-${new ObjectId()}`;
const mine = [{ $match: { "fullDocument.task_id": taskId } }];
const changes = database.tasks.watch(mine, { fullDocument: "updateLookup" });
changes.tryNext(); // opens the stream before the insert

database.tasks.insertOne({
  task_id: taskId,
  platform: process.env.PLATFORM,
  keywords: [process.env.KEYWORD],
  status: 0,
});

let task = null;
while (task === null || ![2, 3, 4].includes(task.status)) {
  const change = changes.tryNext();
  if (change !== null) task = change.fullDocument;
}
changes.close();
for (const item of database.data_items.find({ task_ids: taskId }).toArray()) {
  print(`item ${item.id} ${item.content}`);
}
print(task.error_message || `${task.result_count} items`);
process.exit(task.status === 2 ? 0 : 1);
