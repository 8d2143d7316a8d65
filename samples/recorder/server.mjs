// @ts-check
/**
 * Takes in what recorder.js uploads and lays it into a folder or an S3 bucket, as `sessiontool merge` reads it.
 *
 *   STORE=./recordings            a folder, or s3://bucket/prefix with the usual AWS variables
 *   HOST=127.0.0.1  PORT=8080     where it listens
 *   PRESIGN=1                     with S3: the page sends chunks to the bucket itself (which needs CORS for PUT)
 *   MAX_BODY_BYTES=8388608        the largest request
 *   OPENAI_API_KEY=…              talk to a Realtime model; without it the page plays the assistant
 *
 * There is no login here: put yours into `authorize`, and TLS in front.
 */
import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import Fastify from "fastify";

const PAGE = new URL(".", import.meta.url);
/** Everything that is served, so that nothing else is. */
const FILES = new Set(["index.html", "page.js", "recorder.js", "queue.js", "realtime.js", "demo/peer.js", "demo/vad.js", "demo/script.json"]);
const FILE_TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json", ".mp3": "audio/mpeg" };
const SOUND_TYPES = { webm: "audio/webm", mp4: "audio/mp4", ogg: "audio/ogg" };
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const NUMBER = /^\d{1,9}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const POLICY = "default-src 'self'; connect-src *; media-src 'self' blob:; style-src 'self' 'unsafe-inline'";

/** @typedef {{key: string, type: string, rewritten: boolean}} Target where an upload goes */
/** @typedef {(target: Target, sha256: string) => Promise<{url: string, headers: Record<string, string>}>} Sign */
/** @typedef {{put(target: Target, body: Buffer, sha256: string): Promise<"new" | "same" | "other">, sign?: Sign}} Ingest */

/** A request that cannot be served; `statusCode` is Fastify's. */
class Refusal extends Error {
  /** @param {number} statusCode @param {string} message @param {ErrorOptions} [options] */
  constructor(statusCode, message, options) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

/** Your login belongs here: throw `new Refusal(401, …)` unless this user may write to this session. */
function authorize(/** @type {import("fastify").FastifyRequest} */ _request, /** @type {string} */ _sessionId) {}

/** The place of an upload, built from what its key says and never the key itself.  @param {string} wanted @returns {Target} */
function target(wanted) {
  const [id, ...rest] = wanted.split("/");
  if (!SESSION_ID.test(id)) throw new Refusal(400, "the session id must be 1 to 128 letters, digits, '.', '_' or '-'");
  if (rest.length === 1 && rest[0] === "session.json") {
    return { key: `${id}/session.json`, type: "application/json", rewritten: true };
  }
  const name = rest.pop() ?? "";
  const [number, ending, ...more] = name.split(".");
  const type = rest[0] === "events" ? { jsonl: "application/x-ndjson" }[ending] : SOUND_TYPES[/** @type {"webm"} */ (ending)];
  const parts = rest[0] === "events" ? rest.length === 1 : rest[0] === "chunks" && rest.length === 2 && NUMBER.test(rest[1]);
  if (!type || !parts || !NUMBER.test(number) || more.length) throw new Refusal(404, "not a chunk, an event piece or session.json");
  return { key: [id, ...rest, name].join("/"), type, rewritten: false };
}

/** Wait until a folder's entries are on disk.  @param {string} folder */
async function synced(folder) {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/** Files in a folder: written beside their name, then linked to it, which fails if it is taken.  @returns {Ingest} */
function folderIngest(/** @type {string} */ folder) {
  return {
    async put({ key, rewritten }, body, sha256) {
      const place = path.join(folder, ...key.split("/"));
      const beside = path.join(path.dirname(place), `.${randomUUID()}.tmp`);
      await mkdir(path.dirname(place), { recursive: true });
      const file = await open(beside, "wx");
      try {
        await file.writeFile(body);
        await file.sync();
        await file.close();
        await (rewritten ? rename : link)(beside, place);
        await synced(path.dirname(place)); // the page deletes its copy when it has our answer
        return "new";
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
        return hash(await readFile(place)) === sha256 ? "same" : "other";
      } finally {
        await file.close().catch(() => {});
        await unlink(beside).catch(() => {});
      }
    },
  };
}

/** Objects in a bucket, written only where there is none.  @param {URL} url @returns {Promise<Ingest>} */
async function s3Ingest(url) {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  const client = new S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3),
    requestChecksumCalculation: "WHEN_REQUIRED", // or a presigned URL holds the checksum of an empty body
  });
  const prefix = url.pathname.replace(/^\/|\/$/g, "");
  /** @param {Target} to @param {string} sha256 hexadecimal; S3 checks it */
  const request = ({ key, type, rewritten }, sha256) => ({
    Bucket: url.hostname,
    Key: [prefix, key].filter(Boolean).join("/"),
    ContentType: type,
    ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64"),
    ...(rewritten ? {} : { IfNoneMatch: "*" }),
  });
  return {
    async put(to, body, sha256) {
      const { Bucket, Key, ...more } = request(to, sha256);
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body: body, ContentLength: body.length, ...more }));
        return "new";
      } catch (error) {
        const status = /** @type {any} */ (error).$metadata?.httpStatusCode;
        if (status !== 412) throw new Refusal(503, `the store does not take it (${/** @type {Error} */ (error).name})`, { cause: error });
      }
      const there = await client.send(new GetObjectCommand({ Bucket, Key }));
      return hash(await /** @type {any} */ (there.Body).transformToByteArray()) === sha256 ? "same" : "other";
    },
    async sign(to, sha256) {
      const wanted = request(to, sha256);
      /** @type {Record<string, string>} signed, so that the page must send them as they are */
      const headers = { "content-type": to.type, "x-amz-checksum-sha256": wanted.ChecksumSHA256 };
      if (!to.rewritten) headers["if-none-match"] = "*";
      const names = new Set(Object.keys(headers));
      const options = { expiresIn: 300, signableHeaders: names, unhoistableHeaders: names };
      return { url: await getSignedUrl(client, new PutObjectCommand(wanted), options), headers };
    },
  };
}

/** @param {Uint8Array} bytes */
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A short-lived key for the page, so that the real one stays here.  @param {Record<string, string | undefined>} env */
async function ephemeralKey(env) {
  const session = { type: "realtime", model: env.OPENAI_MODEL ?? "gpt-realtime" };
  const answer = await fetch(`${env.OPENAI_BASE_URL ?? "https://api.openai.com/v1"}/realtime/client_secrets`, {
    method: "POST",
    headers: { authorization: `Bearer ${env.OPENAI_API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ session }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => {
    throw new Refusal(502, `the Realtime API cannot be reached: ${error.message}`);
  });
  if (!answer.ok) throw new Refusal(502, `the Realtime API refused a key: ${answer.status}`);
  const { value, expires_at } = /** @type {any} */ (await answer.json());
  return { value, expires_at };
}

/** @param {Record<string, string | undefined>} env */
export async function build(env) {
  const store = env.STORE ?? "recordings";
  const ingest = store.startsWith("s3://") ? await s3Ingest(new URL(store)) : folderIngest(path.resolve(store));
  const sign = env.PRESIGN ? ingest.sign : undefined;
  const bodyLimit = Number(env.MAX_BODY_BYTES ?? 8 << 20);
  const server = Fastify({ bodyLimit, logger: { level: env.LOG_LEVEL ?? "warn", stream: process.stderr }, requestTimeout: 120_000 });

  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "string" }, server.getDefaultJsonParser("error", "error"));
  server.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, message } = /** @type {any} */ (error);
    if (statusCode >= 500) request.log.error(error);
    if (statusCode === 503) reply.header("retry-after", "2");
    return reply.code(statusCode).send({ error: statusCode === 500 ? "see the server's log" : message });
  });

  server.get("/config", () => ({
    demo: !env.OPENAI_API_KEY,
    sign: Boolean(sign),
    calls: `${env.OPENAI_BASE_URL ?? "https://api.openai.com/v1"}/realtime/calls`,
    rollover_lead_s: Number(env.ROLLOVER_LEAD_S ?? 300),
    demo_session_s: Number(env.DEMO_SESSION_S ?? 3600),
  }));

  server.post("/realtime/key", async (request) => {
    authorize(request, "");
    if (!env.OPENAI_API_KEY) throw new Refusal(404, "OPENAI_API_KEY is not set");
    return ephemeralKey(env);
  });

  server.post("/sessions/sign", async (request) => {
    const { key, sha256, bytes } = /** @type {any} */ (request.body ?? {});
    const to = target(String(key));
    authorize(request, to.key.split("/")[0]);
    if (!sign) throw new Refusal(404, "PRESIGN is not set");
    if (!SHA256.test(sha256)) throw new Refusal(400, "sha256 must be 64 hexadecimal digits");
    if (!(bytes <= bodyLimit)) throw new Refusal(413, `at most ${bodyLimit} bytes`);
    return sign(to, sha256);
  });

  server.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    uploads.put("/sessions/*", async (request, reply) => {
      const to = target(/** @type {any} */ (request.params)["*"]);
      authorize(request, to.key.split("/")[0]);
      const type = String(request.headers["content-type"]).split(";")[0].trim();
      const wanted = to.rewritten || to.key.endsWith(".jsonl") ? /^application\/(json|x-ndjson)$/ : new RegExp(`^${to.type}$`);
      if (!wanted.test(type)) throw new Refusal(415, `${to.key} is ${to.type}, not ${type}`);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0); // an empty blob is one, too
      const sha256 = hash(body);
      const told = request.headers["x-content-sha256"];
      if (told !== undefined && told !== sha256) throw new Refusal(503, "the body is not what its SHA-256 says; send it again");
      const outcome = await ingest.put(to, body, sha256);
      if (outcome === "other") throw new Refusal(409, `${to.key} is there with other bytes; it was left as it is`);
      return reply.code(outcome === "new" ? 201 : 200).send({ key: to.key, bytes: body.length, sha256 });
    });
  });

  server.get("/*", async (request, reply) => {
    const name = /** @type {any} */ (request.params)["*"] || "index.html";
    if (!FILES.has(name) && !/^demo\/\d\.mp3$/.test(name)) throw new Refusal(404, "no such page");
    const type = FILE_TYPES[/** @type {".js"} */ (path.extname(name))];
    reply.headers({ "content-type": type, "content-security-policy": POLICY, "cache-control": "no-cache", "x-content-type-options": "nosniff" });
    return readFile(new URL(name, PAGE));
  });
  return server;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await build(process.env);
  const address = await server.listen({ host: process.env.HOST ?? "127.0.0.1", port: Number(process.env.PORT ?? 8080) });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => server.close());
  console.log(`Open ${address} in a browser.  Recordings go to ${process.env.STORE ?? "recordings"}`);
}
