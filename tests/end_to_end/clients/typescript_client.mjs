// The TypeScript SDK's client against a server: everything an agent does in one task, printed as one JSON object.
// Usage: node typescript_client.mjs auto|legacy http URL        or  … stdio COMMAND ARG…
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [mode, kind, first, ...rest] = process.argv.slice(2);
const transport =
  kind === "http"
    ? new StreamableHTTPClientTransport(new URL(first))
    : new StdioClientTransport({ command: first, args: rest, env: process.env, stderr: "inherit" });
const client = new Client({ name: "typescript", version: "1" }, { versionNegotiation: { mode } });
await client.connect(transport);

const called = async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  return { error: Boolean(result.isError), text: result.content[0].text, structured: result.structuredContent };
};
const task = "pack the parcel";
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const fetched = await called("get_experiences", { task });
const stored = await called("submit_trajectory", {
  task,
  trajectory: [{ role: "assistant", content: "packed" }],
  retrieval_id: fetched.text.match(/retrieval_id: (\S+)/)[1],
});
const graded = await called("report_reward", { trajectory_id: stored.structured.trajectory_id, reward: 1 });
const status = await called("library_status", {});
const wrong = await called("report_reward", { trajectory_id: "t_0", reward: 1 });
const templates = (await client.listResourceTemplates()).resourceTemplates.map((each) => each.uriTemplate);
const library = (await client.readResource({ uri: "experience://default" })).contents[0].text;
const prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
const prompt = (await client.getPrompt({ name: "reflect_and_submit", arguments: { task } })).messages[0].content.text;
console.log(JSON.stringify({ tools, fetched, stored, graded, status, wrong, templates, library, prompts, prompt }));
await client.close();
