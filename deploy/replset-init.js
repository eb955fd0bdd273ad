// Makes one replica set of three nodes and the users, from the localhost of the first node.
// Run by mongosh; harmless when everything is there already: users then get the passwords and roles
// that stand here. Environment: MONGO_HOSTS (comma separated host:port), HOTSTREAM_DATABASE,
// MONGO_ADMIN_PASSWORD, HOTSTREAM_WORKER_PASSWORD, HOTSTREAM_PRODUCER_PASSWORD,
// HOTSTREAM_VIEWER_PASSWORD.
const hosts = process.env.MONGO_HOSTS.split(",");
const database = process.env.HOTSTREAM_DATABASE || "hotstream";

function authenticate(admin) {
  try {
    admin.auth("admin", process.env.MONGO_ADMIN_PASSWORD);
    return true;
  } catch (error) {
    return false;
  }
}

const here = db.getSiblingDB("admin");
if (!authenticate(here)) {
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
  here.createUser({
    user: "admin",
    pwd: process.env.MONGO_ADMIN_PASSWORD,
    roles: [{ role: "root", db: "admin" }],
  });
}

// Through the whole set: later on, another node may be the primary.
const set = new Mongo(`mongodb://${hosts.join(",")}/?replicaSet=rs0`);
if (!authenticate(set.getDB("admin"))) throw new Error("MONGO_ADMIN_PASSWORD is not that of admin");
const application = set.getDB(database);
const users = ["worker", "producer", "viewer"];
for (const user of users) {
  const role = `hotstream${user[0].toUpperCase()}${user.slice(1)}`;
  // Only the name: what a role may do is known to `hotstream init --roles`, which comes next.
  if (application.getRole(role) === null) {
    application.createRole({ role, privileges: [], roles: [] });
  }
  const wanted = { pwd: process.env[`HOTSTREAM_${user.toUpperCase()}_PASSWORD`], roles: [role] };
  if (application.getUser(user) === null) application.createUser({ user, ...wanted });
  else application.updateUser(user, wanted);
}
print(`replica set rs0 of ${hosts.length} nodes is ready, users ${users.join(", ")} on ${database}`);
