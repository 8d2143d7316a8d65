// @ts-check
/**
 * The other side of the demo: a peer in this page that plays the assistant, with the events of the Realtime API.
 *
 * It hears when the user stops and answers with the next line of script.json.  It does not recognise speech: the user's
 * text is the line that the page asked for.
 */

const SILENCE_MS = 600;
const PADDING_MS = 300;
const THINKING_MS = 400;

let count = 0;
const unique = (/** @type {string} */ kind) => `${kind}_demo_${Date.now().toString(36)}_${count++}`;

/** The lines of both, and which of them comes next. */
export class Script {
  next_user = 0;
  next_assistant = 0;

  /** @param {{user: string[], assistant: {text: string, sound: AudioBuffer}[]}} lines @param {AudioContext} context */
  constructor(lines, context) {
    this.lines = lines;
    this.context = context;
  }

  /** @param {number} first the line to begin with */
  static async load(first) {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.audioWorklet.addModule("demo/vad.js");
    const { user, assistant } = await (await fetch("demo/script.json")).json();
    const read = async (/** @type {string} */ text, /** @type {number} */ number) => {
      const bytes = await (await fetch(`demo/${number}.mp3`)).arrayBuffer();
      return { text, sound: await context.decodeAudioData(bytes) };
    };
    const script = new Script({ user, assistant: await Promise.all(assistant.map(read)) }, context);
    script.next_user = script.next_assistant = first;
    return script;
  }

  get prompt() {
    return this.lines.user[this.next_user];
  }
}

/** An exchange of SDP with a new peer.  @param {Script} script @param {number} lifetime_s @returns {(offer: string) => Promise<string>} */
export const demo = (script, lifetime_s) => (offer) => new Peer(script, lifetime_s).answer(offer);

class Peer {
  #script;
  #connection = new RTCPeerConnection();
  #out;
  #heard_from_s = 0;
  /** @type {string | null} */
  #last = null;
  #item = "";

  /** @param {Script} script @param {number} lifetime_s */
  constructor(script, lifetime_s) {
    this.#script = script;
    this.#out = new MediaStreamAudioDestinationNode(script.context, { channelCount: 1 });
    const detection = { type: "server_vad", prefix_padding_ms: PADDING_MS, silence_duration_ms: SILENCE_MS };
    const expires_at = Math.floor(Date.now() / 1000 + lifetime_s);
    this.session = { type: "realtime", id: unique("sess"), model: "demo", expires_at, audio: { input: { turn_detection: detection } } };
  }

  /** @param {string} sdp */
  async answer(sdp) {
    await this.#script.context.resume();
    this.#connection.ontrack = ({ streams, track }) => this.#listen(streams[0] ?? new MediaStream([track]));
    this.#connection.ondatachannel = ({ channel }) => this.#attach(channel);
    await this.#connection.setRemoteDescription({ type: "offer", sdp });
    this.#connection.addTrack(this.#out.stream.getAudioTracks()[0], this.#out.stream);
    await this.#connection.setLocalDescription();
    await new Promise((resolve) => {
      this.#connection.onicegatheringstatechange = () => this.#connection.iceGatheringState === "complete" && resolve(undefined);
      setTimeout(resolve, 2000);
    });
    return /** @type {RTCSessionDescription} */ (this.#connection.localDescription).sdp;
  }

  /** @param {RTCDataChannel} channel */
  #attach(channel) {
    this.channel = channel;
    channel.onmessage = ({ data }) => this.#asked(JSON.parse(data));
    channel.onclose = () => this.#connection.close();
    const begin = () => this.#tell("session.created", { session: this.session });
    if (channel.readyState === "open") begin();
    else channel.onopen = begin;
  }

  /** @param {string} type @param {object} fields */
  #tell(type, fields) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify({ type, event_id: unique("event"), ...fields }));
  }

  /** @param {any} event */
  #asked(event) {
    if (event.type === "session.update") {
      const input = { ...this.session.audio.input, ...event.session.audio?.input };
      this.#tell("session.updated", { session: { ...this.session, ...event.session, audio: { input } } });
    }
    if (event.type === "conversation.item.create") {
      const item = { ...event.item, id: event.item.id ?? unique("item"), status: "completed" };
      this.#tell("conversation.item.added", { previous_item_id: this.#last, item });
      this.#last = item.id;
    }
  }

  /** @param {MediaStream} stream */
  #listen(stream) {
    const { context } = this.#script;
    Object.assign(new Audio(), { muted: true, srcObject: stream }).play().catch(() => {});
    const detector = new AudioWorkletNode(context, "speech-detector", { processorOptions: { silence_s: SILENCE_MS / 1000 } });
    detector.port.onmessage = ({ data }) => (data.speaking ? this.#started(data.at_s) : this.#stopped(data.at_s));
    context.createMediaStreamSource(stream).connect(detector);
    this.#heard_from_s = context.currentTime;
  }

  /** The session's own clock: milliseconds of sound heard.  @param {number} at_s */
  #heard_ms(at_s) {
    return Math.max(0, Math.round((at_s - this.#heard_from_s) * 1000));
  }

  /** @param {number} at_s */
  #started(at_s) {
    this.#item = unique("item");
    const audio_start_ms = Math.max(0, this.#heard_ms(at_s) - PADDING_MS);
    this.#tell("input_audio_buffer.speech_started", { audio_start_ms, item_id: this.#item });
  }

  /** @param {number} at_s */
  #stopped(at_s) {
    const [item_id, previous_item_id] = [this.#item, this.#last];
    this.#tell("input_audio_buffer.speech_stopped", { audio_end_ms: this.#heard_ms(at_s) + SILENCE_MS, item_id });
    this.#tell("input_audio_buffer.committed", { previous_item_id, item_id });
    const item = { id: item_id, type: "message", role: "user", status: "completed", content: [{ type: "input_audio", transcript: null }] };
    this.#tell("conversation.item.added", { previous_item_id, item });
    this.#last = item_id;
    setTimeout(() => {
      const transcript = this.#script.prompt ?? "";
      this.#script.next_user++;
      this.#tell("conversation.item.input_audio_transcription.completed", { item_id, content_index: 0, transcript });
      this.#reply();
    }, THINKING_MS);
  }

  #reply() {
    const line = this.#script.lines.assistant[this.#script.next_assistant++];
    if (!line) return;
    const [response_id, item_id, previous_item_id] = [unique("resp"), unique("item"), this.#last];
    const place = { response_id, item_id, output_index: 0, content_index: 0 };
    const item = { id: item_id, type: "message", role: "assistant", status: "in_progress", content: [] };
    this.#last = item_id;
    this.#tell("response.created", { response: { id: response_id, status: "in_progress", output: [] } });
    this.#tell("response.output_item.added", { response_id, output_index: 0, item });
    this.#tell("conversation.item.added", { previous_item_id, item });
    const source = new AudioBufferSourceNode(this.#script.context, { buffer: line.sound });
    source.connect(this.#out);
    source.onended = () => this.#tell("output_audio_buffer.stopped", { response_id });
    source.start();
    this.#tell("output_audio_buffer.started", { response_id });
    this.#tell("response.output_audio_transcript.done", { ...place, transcript: line.text });
    const done = { ...item, status: "completed", content: [{ type: "output_audio", transcript: line.text }] };
    this.#tell("response.output_item.done", { response_id, output_index: 0, item: done });
    this.#tell("response.done", { response: { id: response_id, status: "completed", output: [done] } });
  }
}
