// Tells when sound on its input begins and ends, in an AudioWorklet, whose clock is not slowed down in a hidden tab.
const BLOCK_S = 0.01;
const LOUD = 0.01; // -40 dBFS, root mean square
const BLOCKS_TO_BEGIN = 6;

class SpeechDetector extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    Object.assign(this, { silence_s: processorOptions.silence_s, sum: 0, count: 0, begun: 0, loud: 0, ended_s: 0, speaking: false });
  }

  process([[channel]]) {
    for (const sample of channel ?? []) this.sum += sample * sample;
    this.count += 128;
    if (this.count >= BLOCK_S * sampleRate) {
      this.judge(Math.sqrt(this.sum / this.count) > LOUD, currentTime + 128 / sampleRate);
      this.sum = this.count = 0;
    }
    return true;
  }

  judge(loud, now_s) {
    if (loud) {
      if (!this.loud++ && !this.speaking) this.begun = now_s - BLOCK_S;
      this.ended_s = now_s;
    } else if (!this.speaking) this.loud = 0;
    if (!this.speaking && this.loud >= BLOCKS_TO_BEGIN) this.tell(true, this.begun);
    if (this.speaking && now_s - this.ended_s >= this.silence_s) this.tell(false, this.ended_s);
  }

  tell(speaking, at_s) {
    Object.assign(this, { speaking, loud: 0 });
    this.port.postMessage({ speaking, at_s });
  }
}

registerProcessor("speech-detector", SpeechDetector);
