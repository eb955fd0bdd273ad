// Agenda's worker (`worker`) and client (`fill N`, `drain N`, `latency N`); see common.py.
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agenda } from 'agenda';
import { MongoBackend, MongoChangeStreamNotificationChannel } from '@agendajs/mongo-backend';
import { MongoClient } from 'mongodb';

const [command, count] = [process.argv[2], Number(process.argv[3])];
const stamps = process.env.PEER_STAMPS;
// hrtime is CLOCK_MONOTONIC, the clock of all the other programs.
const now = () => Number(process.hrtime.bigint()) / 1e9;

const client = await new MongoClient(process.env.PEER_URI, { w: 'majority' }).connect();
const db = client.db('agenda');
const jobs = db.collection('agendaJobs');
const agenda = new Agenda({
  backend: new MongoBackend({ mongo: db }),
  notificationChannel: new MongoChangeStreamNotificationChannel({ db }),
  maxConcurrency: 400,
  defaultConcurrency: 400,
  defaultLockLimit: 0,
  // Where the queue was filled before the worker came, only a look at it finds more.
  processEvery: '1 second',
});
agenda.define('job', async (job) => {
  const { number } = job.attrs.data;
  if (number >= 0) fs.appendFileSync(stamps, `${number} ${now()}\n`);
});
const done = { name: 'job', lastFinishedAt: { $ne: null } };

if (command === 'worker') {
  await agenda.start();
  process.on('SIGTERM', () => process.exit(0));
} else {
  await agenda.ready;
  if (command === 'fill') {
    for (let n = 0; n < count; n += 100) {
      await Promise.all(
        Array.from({ length: Math.min(100, count - n) }, () => agenda.now('job', { number: -1 })),
      );
    }
  } else if (command === 'drain') {
    let first;
    while ((first = await jobs.countDocuments(done)) === 0) await sleep(5);
    const began = now();
    while (await jobs.findOne({ name: 'job', lastFinishedAt: null })) await sleep(20);
    console.log(JSON.stringify((count - first) / (now() - began)));
  } else {
    const seconds = [];
    for (let n = 0; n < count; n++) {
      const size = fs.statSync(stamps).size;
      const began = now();
      await agenda.now('job', { number: n });
      while (fs.statSync(stamps).size === size) await sleep(1);
      const at = fs.readFileSync(stamps, 'ascii').trim().split('\n').at(-1).split(' ')[1];
      seconds.push(Number(at) - began);
      await sleep(20);
    }
    console.log(JSON.stringify(seconds));
  }
  process.exit(0);
}
