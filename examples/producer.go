// Write a task, wait for its end, print its items, with MongoDB's driver for Go.
//
//	go mod init producer && go get go.mongodb.org/mongo-driver@v1
//	go run producer.go PLATFORM KEYWORD
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
)

// What a worker writes of a task; a pointer where a field may not be there yet.
type task struct {
	Status   int32    `bson:"status"`
	Progress *float64 `bson:"progress"`
	Count    *int32   `bson:"result_count"`
	Error    *string  `bson:"error_message"`
}

type change struct {
	Task task `bson:"fullDocument"`
}

type item struct {
	ID      string `bson:"id"`
	Content string `bson:"content"`
}

func main() {
	ended, err := run(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if ended.Status != 2 {
		os.Exit(1)
	}
}

func run(ctx context.Context, platform, keyword string) (*task, error) {
	// Majority: a task that was acknowledged survives the loss of the primary.
	majority := writeconcern.New(writeconcern.WMajority())
	uri := env("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(uri).SetWriteConcern(majority))
	if err != nil {
		return nil, err
	}
	defer client.Disconnect(ctx)
	database := client.Database(env("MONGODB_DATABASE", "hotstream"))
	taskID := "example-" + primitive.NewObjectID().Hex()

	// Watch first, insert then: nothing can fall between.
	mine := mongo.Pipeline{{{Key: "$match", Value: bson.M{"fullDocument.task_id": taskID}}}}
	lookup := options.ChangeStream().SetFullDocument(options.UpdateLookup)
	changes, err := database.Collection("tasks").Watch(ctx, mine, lookup)
	if err != nil {
		return nil, err
	}
	defer changes.Close(ctx)
	_, err = database.Collection("tasks").InsertOne(ctx, bson.M{
		"task_id":  taskID,
		"platform": platform,
		"keywords": bson.A{keyword},
		"status":   int32(0),
	})
	if err != nil {
		return nil, err
	}

	for changes.Next(ctx) {
		var seen change
		if err := changes.Decode(&seen); err != nil {
			return nil, err
		}
		now := seen.Task
		if now.Progress != nil {
			fmt.Printf("task %.0f%%\n", *now.Progress*100)
		}
		if now.Status >= 2 { // 2 completed, 3 failed, 4 cancelled
			return &now, report(ctx, database, taskID, now)
		}
	}
	return nil, changes.Err()
}

func report(ctx context.Context, database *mongo.Database, taskID string, now task) error {
	found, err := database.Collection("data_items").Find(ctx, bson.M{"task_ids": taskID})
	if err != nil {
		return err
	}
	var items []item
	if err := found.All(ctx, &items); err != nil {
		return err
	}
	for _, one := range items {
		fmt.Println("item", one.ID, one.Content)
	}
	if now.Error != nil && *now.Error != "" {
		fmt.Println(*now.Error)
	} else if now.Count != nil {
		fmt.Printf("%d items\n", *now.Count)
	}
	return nil
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
