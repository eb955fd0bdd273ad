package com.mongodb.client;

import com.mongodb.MongoClientURI;

/** The entrance that drivers have from 3.7 on, before the 3.6 that Debian ships. */
public final class MongoClients {
  public static MongoClient create(String uri) {
    com.mongodb.MongoClient older = new com.mongodb.MongoClient(new MongoClientURI(uri));
    return new MongoClient() {
      @Override
      public MongoDatabase getDatabase(String name) {
        return older.getDatabase(name);
      }

      @Override
      public void close() {
        older.close();
      }
    };
  }
}
