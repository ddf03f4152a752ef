// OpenAI's SDK for Node against /v1 of a running installation; prints what it saw as one line of JSON.
// tests/contract/test_sdks.py starts it with PAIBAN_URL, PAIBAN_TOKEN and PAIBAN_BUSY, a model that is busy, and looks at the line.
import OpenAI from "openai";

const baseURL = process.env.PAIBAN_URL;
const client = new OpenAI({ baseURL, apiKey: process.env.PAIBAN_TOKEN, maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello" }];
const product = [{ role: "user", content: "A blue mug, 300 ml" }];

async function refusal(work) {
  try {
    await work();
    return "nothing";
  } catch (error) {
    return error.constructor.name;
  }
}

async function streamed(body) {
  let text = "";
  let usage = null;
  const events = [];
  const stream = await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
    if (chunk.paiban) events.push(chunk.paiban.type);
  }
  return { text, usage, events };
}

const plain = await client.chat.completions.create({ model: "mock-chat", messages });
const flowing = await streamed({ model: "mock-chat", messages });
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const called = await client.chat.completions.create({ model: "local-tools", messages, tools });
const vectors = await client.embeddings.create({ model: "mock-embedding", input: ["one", "two"] });
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const feature = await client.chat.completions.create({ model: "feature:copywriter", messages: product });
const featureFlowing = await streamed({ model: "feature:copywriter", messages: product });
const stranger = new OpenAI({ baseURL, apiKey: "pk-wrong", maxRetries: 0 });
const errors = [
  await refusal(() => stranger.models.list()),
  await refusal(() => client.chat.completions.create({ model: "none", messages })),
  await refusal(() => client.chat.completions.create({ model: "mock-chat", messages, temperature: 9 })),
  await refusal(() => client.chat.completions.create({ model: process.env.PAIBAN_BUSY, messages })),
];

process.stdout.write(
  JSON.stringify({
    chat: plain.choices[0].message.content,
    streamed: flowing.text,
    usage: flowing.usage.completion_tokens,
    tool: called.choices[0].message.tool_calls[0].function,
    vectors: vectors.data.map((row) => row.embedding.length),
    models,
    feature: feature.choices[0].message.content,
    featureStreamed: featureFlowing.text,
    events: featureFlowing.events,
    errors,
  }),
);
