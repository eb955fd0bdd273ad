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
const mine = { "fullDocument.task_id": taskId, "ns.coll": { $in: ["tasks", "data_items"] } };

const changes = database.watch([{ $match: mine }], { fullDocument: "updateLookup" });
// The stream opens with its first read: ask before the insert, so that nothing can fall between.
await changes.tryNext();
await database
  .collection("tasks")
  .insertOne({ task_id: taskId, platform, keywords: [keyword], status: 0 });

let code = 1;
for await (const { ns, fullDocument: document } of changes) {
  if (ns.coll === "data_items") {
    console.log("item", document.id, document.content);
    continue;
  }
  const percent = Math.round((document.progress ?? 0) * 100);
  console.log(`task ${percent}% ${ended[document.status] ?? ""}`.trimEnd());
  if (document.status in ended) {
    console.log(document.error_message || `${document.result_count} items`);
    code = document.status === 2 ? 0 : 1;
    break;
  }
}
await client.close();
process.exit(code);
