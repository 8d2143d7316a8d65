// @ts-check
/**
 * Takes in what recorder.js uploads and lays it into a folder or an S3 bucket, as `sessiontool merge` reads it.
 *
 *   STORE=./recordings            a folder, or s3://bucket/prefix with the usual AWS variables
 *   HOST=127.0.0.1  PORT=8080     where it listens
 *   PRESIGN=1                     with S3: the page sends to the bucket itself (which needs CORS for PUT)
 *   MAX_BODY_BYTES=8388608        the largest request
 *   OPENAI_API_KEY=…              talk to a Realtime model; without it the page plays the assistant
 *
 * There is no login here: put yours into `authorize`, and TLS in front.
 */
import { createHash, randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { access, constants, link, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import Fastify from "fastify";

const PAGE = new URL(".", import.meta.url);
/** Everything that is served, so that nothing else is. */
const FILES = new Set(["index.html", "page.js", "recorder.js", "queue.js", "realtime.js", "demo/peer.js", "demo/vad.js", "demo/script.json"]);
const FILE_TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json", ".mp3": "audio/mpeg" };
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** What is taken into a session, and its type. @type {[RegExp, string][]} */
const UPLOADS = [
  [/^session\.json$/, "application/json"],
  [/^events\/\d{1,9}\.jsonl$/, "application/x-ndjson"],
  [/^chunks\/\d{1,9}\/\d{1,9}\.webm$/, "audio/webm"],
  [/^chunks\/\d{1,9}\/\d{1,9}\.mp4$/, "audio/mp4"],
  [/^chunks\/\d{1,9}\/\d{1,9}\.ogg$/, "audio/ogg"],
];
const SHA256 = /^[0-9a-f]{64}$/;
const POLICY = "default-src 'self'; connect-src *; media-src 'self' blob:; style-src 'self' 'unsafe-inline'";

/** @typedef {Record<string, string | undefined>} Env the settings */
/** @typedef {{key: string, type: string, rewritten: boolean}} Target where an upload goes */
/** @typedef {(target: Target, sha256: string) => Promise<{url: string, headers: Record<string, string>}>} Sign */
/** @typedef {{put(target: Target, body: Buffer, sha256: string): Promise<"new" | "same" | "other">, sign?: Sign}} Ingest */

/** A request that cannot be served.  @param {number} statusCode Fastify's @param {string} message @param {ErrorOptions} [options] */
const refusal = (statusCode, message, options) => Object.assign(new Error(message, options), { statusCode });

/** Your login belongs here: throw `refusal(401, …)` unless this user may write to this session. */
function authorize(/** @type {import("fastify").FastifyRequest} */ _request, /** @type {string} */ _sessionId) {}

/** The place of an upload: its key, if it is one of ours from end to end.  @param {string} wanted @returns {Target} */
function target(wanted) {
  const [id, ...rest] = wanted.split("/");
  if (!SESSION_ID.test(id)) throw refusal(400, "the session id must be 1 to 128 letters, digits, '.', '_' or '-'");
  const name = rest.join("/");
  const type = UPLOADS.find(([pattern]) => pattern.test(name))?.[1];
  if (!type) throw refusal(404, "not a chunk, an event piece or session.json");
  return { key: `${id}/${name}`, type, rewritten: name === "session.json" };
}

/** Wait until a folder's entries are on disk.  @param {string} folder */
async function synced(folder) {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/** Files in a folder: written beside their name, then linked to it, which fails if it is taken.  @param {string} folder */
async function folderIngest(folder) {
  await mkdir(folder, { recursive: true });
  await access(folder, constants.W_OK);
  return /** @type {Ingest} */ ({
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
  });
}

/** Objects in a bucket, written only where there is none.  @param {string} bucket @param {string} prefix @returns {Promise<Ingest>} */
async function s3Ingest(bucket, prefix) {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  const client = new S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3),
    requestChecksumCalculation: "WHEN_REQUIRED", // or a presigned URL holds the checksum of an empty body
  });
  /** @param {Target} to @param {string} sha256 hexadecimal; S3 checks it */
  const request = ({ key, type, rewritten }, sha256) => ({
    Bucket: bucket,
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
        if (status !== 412) throw refusal(503, `the store does not take it (${/** @type {Error} */ (error).name})`, { cause: error });
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

/** A short-lived key for the page, so that the real one stays here.  @param {Env} env */
async function ephemeralKey(env) {
  const session = { type: "realtime", model: env.OPENAI_MODEL ?? "gpt-realtime" };
  const answer = await fetch(`${env.OPENAI_BASE_URL ?? "https://api.openai.com/v1"}/realtime/client_secrets`, {
    method: "POST",
    headers: { authorization: `Bearer ${env.OPENAI_API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ session }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => {
    throw refusal(502, `the Realtime API cannot be reached: ${error.message}`);
  });
  if (!answer.ok) throw refusal(502, `the Realtime API refused a key: ${answer.status}`);
  const { value, expires_at } = /** @type {any} */ (await answer.json().catch(() => ({})));
  if (!value) throw refusal(502, "the Realtime API answered without a key");
  return { value, expires_at };
}

/** Where STORE says.  @param {string} store */
async function ingestInto(store) {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/*(.*?)\/*$/.exec(store) ?? [];
  if (bucket) return s3Ingest(bucket, prefix);
  if (/^\w{2,}:/.test(store)) throw new Error(`STORE=${store} is neither a folder nor s3://bucket/prefix`);
  return folderIngest(path.resolve(store));
}

/** A setting that is a whole number.  @param {Env} env @param {string} name @param {number} otherwise @param {number} most */
function whole(env, name, otherwise, most = 2 ** 31 - 1) {
  const number = Number(env[name] || otherwise);
  if (!Number.isInteger(number) || number < 0 || number > most) throw new Error(`${name}=${env[name]} is no whole number from 0 to ${most}`);
  return number;
}

/** @param {Env} env */
export async function build(env) {
  const ingest = await ingestInto(env.STORE || "recordings");
  const sign = env.PRESIGN === "1" ? ingest.sign : undefined;
  if (env.PRESIGN === "1" && !sign) throw new Error("PRESIGN=1 needs STORE=s3://bucket/prefix");
  const bodyLimit = whole(env, "MAX_BODY_BYTES", 8 << 20);
  const server = Fastify({ bodyLimit, logger: { level: env.LOG_LEVEL ?? "warn", stream: process.stderr }, requestTimeout: 120_000 });

  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "string" }, server.getDefaultJsonParser("error", "error"));
  server.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, message } = /** @type {any} */ (error);
    if (statusCode >= 500) request.log.error(error);
    if (statusCode === 503) reply.header("retry-after", "2");
    return reply.code(statusCode).send({ error: statusCode === 500 ? "see the server's log" : message });
  });

  const config = {
    demo: !env.OPENAI_API_KEY,
    sign: Boolean(sign),
    calls: `${env.OPENAI_BASE_URL ?? "https://api.openai.com/v1"}/realtime/calls`,
    rollover_lead_s: whole(env, "ROLLOVER_LEAD_S", 300),
    demo_session_s: whole(env, "DEMO_SESSION_S", 3600),
  };
  server.get("/config", () => config);

  server.post("/realtime/key", async (request) => {
    authorize(request, "");
    if (!env.OPENAI_API_KEY) throw refusal(404, "OPENAI_API_KEY is not set");
    return ephemeralKey(env);
  });

  server.post("/sessions/sign", async (request) => {
    const { key, sha256, bytes } = /** @type {any} */ (request.body ?? {});
    const to = target(typeof key === "string" ? key : "");
    authorize(request, to.key.split("/")[0]);
    if (!sign) throw refusal(404, "PRESIGN is not set");
    if (!SHA256.test(sha256)) throw refusal(400, "sha256 must be 64 hexadecimal digits");
    if (!(bytes <= bodyLimit)) throw refusal(413, `at most ${bodyLimit} bytes`);
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
      if (!wanted.test(type)) throw refusal(415, `${to.key} is ${to.type}, not ${type}`);
      if (!(request.headers["content-length"] ?? request.headers["transfer-encoding"])) throw refusal(411, "a body needs a length, and so does an empty one");
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0); // an empty blob is one, too
      const sha256 = hash(body);
      if ((request.headers["x-content-sha256"] ?? sha256) !== sha256) throw refusal(503, "the body is not what its SHA-256 says; send it again");
      const outcome = await ingest.put(to, body, sha256);
      if (outcome === "other") throw refusal(409, `${to.key} is there with other bytes; it was left as it is`);
      return reply.code(outcome === "new" ? 201 : 200).send({ key: to.key, bytes: body.length, sha256 });
    });
  });

  server.get("/*", async (request, reply) => {
    const name = /** @type {any} */ (request.params)["*"] || "index.html";
    if (!FILES.has(name) && !/^demo\/[0-4]\.mp3$/.test(name)) throw refusal(404, "no such page");
    const type = FILE_TYPES[/** @type {".js"} */ (path.extname(name))];
    reply.headers({ "content-type": type, "content-security-policy": POLICY, "cache-control": "no-cache", "x-content-type-options": "nosniff" });
    return readFile(new URL(name, PAGE));
  });
  return server;
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    const { env } = process;
    const server = await build(env);
    const address = await server.listen({ host: env.HOST || "127.0.0.1", port: whole(env, "PORT", 8080, 65_535) });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => server.close());
    console.log(`Open ${address} in a browser.  Recordings go to ${env.STORE || "recordings"}`);
  } catch (error) {
    console.error(`error: ${/** @type {Error} */ (error).message}\nhint: the settings are listed at the top of server.mjs`);
    process.exitCode = 1;
  }
}
