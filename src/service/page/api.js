/** The service, one function for each request. All reject with a `Problem`. */

import { authorization, withKey } from "./key.js";
import { language } from "./language.js";
import { Problem, detailIn, problemOf } from "./problem.js";

let ahead = 0;
/** Milliseconds by which the service's clock is ahead of this machine's. */

/** The time by the service's clock, which the times of tasks are told by. */
export const serverTime = () => Date.now() + ahead;

const task = (id, part = "") => `tasks/${encodeURIComponent(id)}${part}`;

export const workflows = () => json("workflows");
export const banditTable = () => json("learning/bandit");

/** @param {{question: string, workflow?: string, inputs?: object, thread_id?: string}} body */
export const createTask = (body) => json("tasks", post(body));
export const getTask = (id) => json(task(id));
export const listTasks = (limit, cursor, q) =>
  json(`tasks?${new URLSearchParams({ limit, ...(cursor && { cursor }), ...(q && { q }) })}`);
export const renameTask = (id, name) => json(task(id), { ...post({ name }), method: "PATCH" });
export const deleteTask = (id) => json(task(id), { method: "DELETE" });
/** @param {string[]} [digests] of the approvals that the answer is about. */
export const resumeTask = (id, answer, digests) =>
  json(task(id, "/resume"), post({ answer, digests }));
export const undoTask = (id) => json(task(id, "/undo"), { method: "POST" });
export const cancelTask = (id) => json(task(id, "/cancel"), { method: "POST" });
export const rateTask = (id, rating) => json(task(id, "/feedback"), post({ rating }));

export const listDocuments = (cursor) =>
  json(`kb/documents${cursor ? `?${new URLSearchParams({ cursor })}` : ""}`);
export const deleteDocument = (id) =>
  json(`kb/documents/${encodeURIComponent(id)}`, { method: "DELETE" });
export const searchDocuments = (q) => json(`kb/search?${new URLSearchParams({ q })}`);
export const cancelUpload = (id) =>
  json(`kb/uploads/${encodeURIComponent(id)}`, { method: "DELETE" });

const workspace = (id) => `workspaces/${encodeURIComponent(id)}`;
const inWorkspace = (id, path) =>
  `${workspace(id)}/files/${path.split("/").map(encodeURIComponent).join("/")}`;

export const listWorkspaces = () => json("workspaces");
export const makeWorkspace = () => json("workspaces", { method: "POST" });
export const getWorkspace = (id) => json(workspace(id));
export const deleteWorkspace = (id) => json(workspace(id), { method: "DELETE" });
export const deleteFile = (id, path) => json(inWorkspace(id, path), { method: "DELETE" });
export const readFile = async (id, path) => (await request(inWorkspace(id, path))).blob();

/** Put a file into a workspace, or replace it; see `uploadDocument`. */
export const putFile = (id, path, file, onProgress) =>
  upload("PUT", inWorkspace(id, path), file, onProgress);

/** Events, as responses whose body is the stream. */
export const openTaskEvents = (id, last, signal) => events(task(id, "/events"), last, signal);
export const openUploadEvents = (id, last, signal) =>
  events(`kb/uploads/${encodeURIComponent(id)}/events`, last, signal);

/**
 * Send a file for the knowledge base, which adds it when its turn comes. `fetch` does not tell how far an upload is, so this is an
 * XMLHttpRequest.
 *
 * @param {File} file
 * @param {(share: number) => void} onProgress called with 0 to 1 while it is being sent.
 * @returns {Promise<{upload_id: string, status: string}>}
 */
export async function uploadDocument(file, onProgress) {
  const form = new FormData();
  form.append("file", file, file.name);
  return JSON.parse(await upload("POST", "kb/documents", form, onProgress));
}

async function upload(method, path, body, onProgress) {
  const answer = await withKey(() => sendBody(method, path, body, onProgress));
  if (answer.status >= 400) throw new Problem(answer.status, detailIn(answer.body), answer.wait);
  return answer.body;
}

function sendBody(method, path, body, onProgress) {
  const sent = new XMLHttpRequest();
  return new Promise((done, failed) => {
    sent.upload.onprogress = (event) =>
      event.lengthComputable && onProgress(event.loaded / event.total);
    sent.onload = () =>
      done({
        status: sent.status,
        body: sent.responseText,
        wait: Number(sent.getResponseHeader("Retry-After")) || undefined,
      });
    sent.onerror = () => failed(new Problem(0));
    sent.open(method, path);
    for (const [name, value] of Object.entries(authorization())) sent.setRequestHeader(name, value);
    sent.setRequestHeader("Accept-Language", language);
    sent.send(body);
  });
}

const post = (body) => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "Content-Type": "application/json" },
});

function events(path, last, signal) {
  const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
  return request(path, { signal, headers });
}

async function json(path, options) {
  const response = await request(path, options);
  return response.status === 204 ? null : response.json();
}

async function request(path, options = {}) {
  const response = await withKey(() => send(path, options));
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function send(path, options) {
  const headers = { "Accept-Language": language, ...options.headers, ...authorization() };
  try {
    const response = await fetch(path, { ...options, headers });
    ahead = Date.parse(response.headers.get("Date")) - Date.now() || 0;
    return response;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0);
  }
}
