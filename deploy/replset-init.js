// Makes one replica set of three nodes and the users, from the localhost of the first node.
// Run by mongosh; harmless when everything is there already. Environment: MONGO_HOSTS (comma
// separated host:port), MONGO_ADMIN_PASSWORD, HOTSTREAM_DB_PASSWORD, HOTSTREAM_DATABASE.
const hosts = process.env.MONGO_HOSTS.split(",");
const database = process.env.HOTSTREAM_DATABASE || "hotstream";
const admin = db.getSiblingDB("admin");

function authenticate() {
  try {
    admin.auth("admin", process.env.MONGO_ADMIN_PASSWORD);
    return true;
  } catch (error) {
    return false;
  }
}

if (!authenticate()) {
  try {
    rs.initiate({
      _id: "rs0",
      members: hosts.map((host, n) => ({ _id: n, host, priority: n === 0 ? 2 : 1 })),
      // For a primary that the network has swallowed. MongoDB would wait ten seconds before the
      // election, and then perhaps ten more for writes that only the lost one has. No write that a
      // majority has is lost by not waiting, and HotStream lets the majority confirm every one.
      settings: { electionTimeoutMillis: 5000, catchUpTimeoutMillis: 2000 },
    });
  } catch (error) {
    if (error.codeName !== "AlreadyInitialized") throw error;
  }
  for (let tries = 0; !db.hello().isWritablePrimary; tries++) {
    if (tries > 600) throw new Error("no primary within a minute: do the nodes reach each other?");
    sleep(100);
  }
  admin.createUser({
    user: "admin",
    pwd: process.env.MONGO_ADMIN_PASSWORD,
    roles: [{ role: "root", db: "admin" }],
  });
  authenticate();
}

const application = db.getSiblingDB(database);
if (application.getUser("hotstream") === null) {
  application.createUser({
    user: "hotstream",
    pwd: process.env.HOTSTREAM_DB_PASSWORD,
    roles: [{ role: "readWrite", db: database }],
  });
}
print(`replica set rs0 of ${hosts.length} nodes is ready, user hotstream on ${database}`);
