// Somebody else's program: `node listen.js AMQP_URL DOCUMENT…` subscribes to everything that the AsyncAPI documents say is sent, and
// holds each message against them. A line of JSON for each: its id and type, and what is wrong with it, if anything is.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import amqp from 'amqplib';
import { CloudEvent } from 'cloudevents';

const PREFIX = 'cloudEvents:';
const [url, ...paths] = process.argv.slice(2);

const follow = (document, { $ref }) => $ref.slice(2).split('/').reduce((found, key) => found[key], document);

// What a document says is sent: where it can be heard, and how head and body look.
function sent(document) {
  return Object.values(document.operations)
    .filter((operation) => operation.action === 'send')
    .map((operation) => {
      const channel = follow(document, operation.channel);
      const [message] = operation.messages.map((one) => follow(document, follow(document, one)));
      return {
        address: channel.address,
        exchange: channel.bindings.amqp.exchange,
        contentType: message.contentType,
        headers: validator(follow(document, message.headers)),
        payload: validator(follow(document, message.payload)),
      };
    });
}

function validator(schema) {
  const ajv = new Ajv({ allErrors: true });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  return (value) => {
    if (!validate(value)) throw new Error(ajv.errorsText(validate.errors));
  };
}

function read(message, known) {
  if (known === undefined) throw new Error('no document speaks of this address');
  const { headers, contentType } = message.properties;
  if (contentType !== known.contentType) throw new Error(`it is ${contentType}, not ${known.contentType}`);
  known.headers(headers);
  const data = JSON.parse(message.content.toString());
  known.payload(data);
  const own = Object.entries(headers).filter(([name]) => name.startsWith(PREFIX));
  const attributes = Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), value]));
  const event = new CloudEvent({ ...attributes, datacontenttype: contentType, data }, true);
  if (event.type !== message.fields.routingKey) throw new Error(`its type is ${event.type}, not its address`);
  return event;
}

const events = paths.flatMap((path) => sent(JSON.parse(readFileSync(path, 'utf8'))));
const byAddress = new Map(events.map((event) => [event.address, event]));
const connection = await amqp.connect(url);
const channel = await connection.createChannel();
const { queue } = await channel.assertQueue('', { exclusive: true });
for (const { exchange, address } of events) {
  await channel.assertExchange(exchange.name, exchange.type, { durable: exchange.durable });
  await channel.bindQueue(queue, exchange.name, address);
}
await channel.consume(
  queue,
  (message) => {
    const heard = { id: message.properties.headers[`${PREFIX}id`], type: message.fields.routingKey };
    try {
      read(message, byAddress.get(message.fields.routingKey));
    } catch (error) {
      heard.wrong = error.message;
    }
    console.log(JSON.stringify(heard));
  },
  { noAck: true },
);
console.log(JSON.stringify({ listening: events.length }));
process.stdin.on('end', () => process.exit(0)).resume();
