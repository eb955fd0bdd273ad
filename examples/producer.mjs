// Write a task, follow it live, print its items, with the MongoDB driver for Node.
//
//   node examples/producer.mjs PLATFORM KEYWORD
import { randomUUID } from "node:crypto";
import { MongoClient } from "mongodb";

const ended = { 2: "completed", 3: "failed", 4: "cancelled" };
const [platform, keyword] = process.argv.slice(2);
const client = new MongoClient(
  process.env.MONGODB_URI ?? "mongodb://127.0.0.1:27017/?replicaSet=rs0",
);
const database = client.db(process.env.MONGODB_DATABASE ?? "hotstream");
const taskId = `example-${randomUUID()}`;

const changes = database
  .collection("tasks")
  .watch([{ $match: { "fullDocument.task_id": taskId } }], { fullDocument: "updateLookup" });
// The stream opens with its first read: ask before the insert, so that nothing can fall between.
await changes.tryNext();
await database
  .collection("tasks")
  .insertOne({ task_id: taskId, platform, keywords: [keyword], status: 0 });

let code = 1;
const shown = new Set();
for await (const { fullDocument: task } of changes) {
  // Items are there before the progress that tells of them.
  for await (const item of database.collection("data_items").find({ task_ids: taskId })) {
    if (!shown.has(String(item._id))) {
      shown.add(String(item._id));
      console.log("item", item.id, item.content);
    }
  }
  const percent = Math.round((task.progress ?? 0) * 100);
  console.log(`task ${percent}% ${ended[task.status] ?? ""}`.trimEnd());
  if (task.status in ended) {
    console.log(task.error_message || `${task.result_count ?? 0} items`);
    code = task.status === 2 ? 0 : 1;
    break;
  }
}
await client.close();
process.exit(code);
