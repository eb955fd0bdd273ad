import static com.mongodb.client.model.Aggregates.match;
import static com.mongodb.client.model.Filters.eq;

import com.mongodb.WriteConcern;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.changestream.ChangeStreamDocument;
import com.mongodb.client.model.changestream.FullDocument;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.bson.Document;

/**
 * Write a task, wait for its end, print its items, with MongoDB's driver for Java
 * (org.mongodb:mongodb-driver-sync).
 *
 * <pre>java -cp 'lib/*' examples/Producer.java PLATFORM KEYWORD</pre>
 */
public final class Producer {
  public static void main(String[] arguments) {
    Document task;
    String uri = env("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0");
    try (MongoClient client = MongoClients.create(uri)) {
      // Majority: a task that was acknowledged survives the loss of the primary.
      MongoDatabase database =
          client
              .getDatabase(env("MONGODB_DATABASE", "hotstream"))
              .withWriteConcern(WriteConcern.MAJORITY);
      task = run(database, arguments[0], arguments[1]);
    }
    System.exit(task.getInteger("status") == 2 ? 0 : 1);
  }

  private static Document run(MongoDatabase database, String platform, String keyword) {
    String taskId = "example-" + UUID.randomUUID();
    MongoCollection<Document> tasks = database.getCollection("tasks");
    // Watch first, insert then: nothing can fall between.
    try (MongoCursor<ChangeStreamDocument<Document>> changes =
        tasks
            .watch(List.of(match(eq("fullDocument.task_id", taskId))))
            .fullDocument(FullDocument.UPDATE_LOOKUP)
            .iterator()) {
      tasks.insertOne(
          new Document("task_id", taskId)
              .append("platform", platform)
              .append("keywords", List.of(keyword))
              .append("status", 0)); // an int is a BSON int32
      while (true) {
        Document task = changes.next().getFullDocument();
        if (task.getDouble("progress") != null) {
          System.out.printf("task %.0f%%%n", task.getDouble("progress") * 100);
        }
        // A status that somebody else wrote may be of another type of number.
        if (((Number) task.get("status")).intValue() >= 2) {
          report(database, taskId, task);
          return task;
        }
      }
    }
  }

  private static void report(MongoDatabase database, String taskId, Document task) {
    for (Document item : database.getCollection("data_items").find(eq("task_ids", taskId))) {
      System.out.println("item " + item.getString("id") + " " + item.getString("content"));
    }
    String error = task.getString("error_message");
    boolean failed = error != null && !error.isEmpty();
    System.out.println(failed ? error : task.get("result_count") + " items");
  }

  private static String env(String name, String otherwise) {
    return Optional.ofNullable(System.getenv(name)).orElse(otherwise);
  }
}
