// The server's answers, and what it says of itself; errors carry its own words.

const KEY = "bertie-key";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

function headers() {
  const key = sessionStorage.getItem(KEY);
  return key ? { authorization: `Bearer ${key}` } : {};
}

// The APIs word errors differently: {error: {message}}, {error: text}, {message}.
function messageOf(body, response) {
  const error = body?.error ?? body;
  return error?.message ?? (typeof error === "string" ? error : `${response.status} ${response.statusText}`);
}

async function answer(response) {
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, messageOf(body, response));
  return body;
}

export async function get(path) {
  return answer(await fetch(path, { headers: headers() }));
}

export async function post(path, body) {
  return answer(
    await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers() },
      body: JSON.stringify(body),
    }),
  );
}

export function curl(path, body) {
  const url = new URL(path, document.baseURI);
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const key = sessionStorage.getItem(KEY) ? ` \\\n  -H "Authorization: Bearer $BERTIE_KEY"` : "";
  return `curl ${url} \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${json}'`;
}
