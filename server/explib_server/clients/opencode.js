// explib's hooks for opencode: written by `explib attach opencode`, taken out by `explib attach opencode --remove`.
// Nothing in here stops opencode: a command that fails, is missing or takes too long counts as one that said nothing.
import { spawn } from "node:child_process"

const COMMAND = $command
const FURTHER = $further
const SECONDS = { prompt: 10, tool: 10, "session-start": 10, "turn-end": 10, interrupt: 10 }
const ACTING = new Set(["bash", "edit", "write", "patch", "apply_patch", "multiedit"])

function hook(event, message) {
  return new Promise((resolve) => {
    const [program, ...words] = COMMAND
    const child = spawn(program, [...words, "hook", event, ...FURTHER], {
      stdio: ["pipe", "pipe", "ignore"],
      windowsHide: true,
    })
    const answered = (answer) => {
      clearTimeout(timer)
      resolve(answer)
    }
    const timer = setTimeout(() => {
      child.kill()
      answered({})
    }, SECONDS[event] * 1000)
    let said = ""
    child.stdout.on("data", (data) => (said += data))
    child.on("error", () => answered({}))
    child.on("close", () => answered(parsed(said)))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(message))
  })
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

export const Explib = async ({ client, directory }) => {
  const children = new Set()
  const notes = new Map()
  const about = (sessionID, more) => ({ session_id: sessionID, cwd: directory, ...more })
  const messages = async (sessionID) => {
    const answer = await client.session.messages({ path: { id: sessionID } })
    return answer.data ?? answer
  }
  const ended = async (word, sessionID) => {
    if (!sessionID || children.has(sessionID)) return
    await hook(word, about(sessionID, { messages: await messages(sessionID).catch(() => []) }))
  }
  return {
    "chat.message": async ({ sessionID }, { message, parts }) => {
      if (children.has(sessionID)) return
      const said = parts.filter((part) => part.type === "text" && !part.synthetic)
      const prompt = said.map((part) => part.text).join("\n")
      const { additionalContext: text } = await hook("prompt", about(sessionID, { prompt }))
      if (!text) return
      const id = "prt_" + Date.now().toString(16) + Math.random().toString(36).slice(2, 10)
      parts.push({ id, sessionID, messageID: message.id, type: "text", synthetic: true, text })
    },
    "tool.execute.before": async ({ tool, sessionID, callID }, { args }) => {
      if (!ACTING.has(tool)) return
      const call = { tool_name: tool, tool_input: args, tool_use_id: callID }
      const answer = await hook("tool", about(sessionID, call))
      if (answer.permissionDecision === "deny") throw new Error(answer.permissionDecisionReason)
      if (answer.additionalContext) notes.set(callID, answer.additionalContext)
    },
    "tool.execute.after": async ({ callID }, output) => {
      if (notes.has(callID)) output.output += "\n\n" + notes.get(callID)
      notes.delete(callID)
    },
    event: async ({ event: { type, properties } }) => {
      if (type === "session.created") {
        if (properties.info.parentID) children.add(properties.info.id)
        else await hook("session-start", about(properties.info.id))
      }
      if (type === "session.error" && properties.error?.name === "MessageAbortedError")
        await ended("interrupt", properties.sessionID)
      if (type === "session.idle") await ended("turn-end", properties.sessionID)
    },
  }
}
