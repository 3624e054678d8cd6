// MQTT.js clients of one test: opened, subscribed, and ended with it. Also the programs that the tests need.

import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { findBinary } from '../../test/peers/peers.ts';
import { nextCall } from '../support/wait-for.ts';

export const needed = {
  mosquitto: findBinary('mosquitto'),
  mosquitto_passwd: findBinary('mosquitto_passwd'),
  openssl: findBinary('openssl'),
};

const clients: MqttClient[] = [];

/** A client that is ended with its test. Nothing is retried unless a test wants it. */
export function open(url: string, options: IClientOptions = {}): MqttClient {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  clients.push(client);
  return client;
}

export async function connect(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
  clients.push(client);
  return client;
}

export async function errorOf(client: MqttClient): Promise<Error & { code?: string | number }> {
  const [error] = await nextCall<[Error]>('error', (call) => client.once('error', call));
  return error;
}

/** What arrives for `topic`, payloads in order. */
export async function subscribe(
  client: MqttClient,
  topic: string,
  qos: 0 | 1 | 2,
): Promise<Buffer[]> {
  const payloads: Buffer[] = [];
  client.on('message', (at, payload) => {
    if (at === topic) payloads.push(payload);
  });
  await client.subscribeAsync(topic, { qos });
  return payloads;
}

/** Ends what a test has opened. */
export async function endAll(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
}
