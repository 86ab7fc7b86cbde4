// The harness of fences in JavaScript: `node nb-harness.mjs FENCE`. The fence is an ES module.
// The version is part of every prepared fence: raise it with any change below.

enum HarnessJavaScript {
  static let version = 1

  /// The argument comes from an array that the compiler does not know to hold one number twice, so that
  /// nothing of the body can be moved out of the loop; the results are summed and printed.
  static let source = #"""
    import fs from 'node:fs';
    import { pathToFileURL } from 'node:url';

    const path = process.argv[2];
    const held = new Float64Array(2);
    const two64 = 1n << 64n;

    function place(error) {
      const found = /nb-fence\.mjs:(\d+)(?::(\d+))?/.exec(String(error?.stack ?? ''));
      return found ? `${found[1]} ${found[2] ?? 0}` : '0 0';
    }

    function say(text) {
      const bytes = Buffer.from(text + '\n');
      let written = 0;
      while (written < bytes.length) written += fs.writeSync(3, bytes, written);
    }

    let pending = '';
    const chunk = Buffer.alloc(4096);
    function nextLine() {
      for (;;) {
        const end = pending.indexOf('\n');
        if (end >= 0) {
          const line = pending.slice(0, end);
          pending = pending.slice(end + 1);
          return line;
        }
        let count;
        try { count = fs.readSync(3, chunk, 0, chunk.length, null); } catch (error) {
          if (error.code === 'EINTR' || error.code === 'EAGAIN') continue;
          return 'quit';
        }
        if (count === 0) return 'quit';
        pending += chunk.toString('utf8', 0, count);
      }
    }

    // Two loops made from text that differs, so that they share no type feedback. Sums stay exact: what
    // grows beyond 2^52 is carried over into a BigInt.
    function loop(comment) {
      return new Function('body', 'held', 'k', `// ${comment}
        let sum = 0, carry = 0n;
        for (let i = 0; i < k; i++) {
          sum += body(held[i & 1]);
          if (sum > 4503599627370496 || sum < -4503599627370496) { carry += BigInt(Math.trunc(sum)); sum -= Math.trunc(sum); }
        }
        return [sum, carry];`);
    }
    const runSubject = loop('subject'), runNothing = loop('nothing');
    function nothing(n) { return n; }

    function numberAfter(path, word) {
      try {
        const text = fs.readFileSync(path, 'utf8');
        const at = text.indexOf(word);
        return at < 0 ? NaN : parseInt(text.slice(at + word.length), 10);
      } catch { return NaN; }
    }

    function checksum(sum, carry) {
      if (typeof sum !== 'number' || Number.isNaN(sum)) {
        throw new TypeError('subject(n) returned what is no number; return a checksum');
      }
      if (!Number.isInteger(sum)) return String(sum + Number(carry));
      return String(BigInt.asIntN(64, carry + BigInt(sum)));
    }

    function sample(loop, body, k) {
      const waited = numberAfter('/proc/self/schedstat', ' ');
      const a = process.resourceUsage();
      const start = process.hrtime.bigint();
      const [sum, carry] = loop(body, held, k);
      const ns = process.hrtime.bigint() - start;
      const b = process.resourceUsage();
      const user = (b.userCPUTime - a.userCPUTime) * 1000, system = (b.systemCPUTime - a.systemCPUTime) * 1000;
      let text = `ns=${ns} cpu=${user + system} checksum=${checksum(sum, carry)} user=${user} system=${system}`
        + ` minor=${b.minorPageFault - a.minorPageFault} major=${b.majorPageFault - a.majorPageFault}`
        + ` voluntary=${b.voluntaryContextSwitches - a.voluntaryContextSwitches}`
        + ` involuntary=${b.involuntaryContextSwitches - a.involuntaryContextSwitches}`;
      const rss = numberAfter('/proc/self/status', 'VmHWM:');
      if (!Number.isNaN(rss)) text += ` rss=${rss * 1024}`;
      const waits = numberAfter('/proc/self/schedstat', ' ');
      if (!Number.isNaN(waited) && !Number.isNaN(waits)) text += ` wait=${waits - waited}`;
      return text;
    }

    try {
      const n = Number(nextLine());
      held.fill(n);
      const fence = await import(pathToFileURL(path).href);
      if (typeof fence.subject !== 'function') throw new TypeError('the fence does not `export function subject(n)`');
      if (typeof fence.setup === 'function') fence.setup(n);
      say('ready');
      for (;;) {
        const [request, k] = nextLine().split(' ');
        if (request === 'run') say(sample(runSubject, fence.subject, Number(k)));
        else if (request === 'empty') say(sample(runNothing, nothing, Number(k)));
        else break;
      }
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      try { say(`fault: ${place(error)} ${text.split(/\s+/).join(' ')}`); } catch { }
    }
    process.exit(0);
    """#
}
