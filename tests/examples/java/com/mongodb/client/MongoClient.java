package com.mongodb.client;

/** As much of the interface of later drivers as the example needs. */
public interface MongoClient extends AutoCloseable {
  MongoDatabase getDatabase(String name);

  @Override
  void close();
}
