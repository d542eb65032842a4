// Runs the checks under node: `run.mjs unknown-unknown wasm.wasm`, or `run.mjs wasip1 program.wasm`,
// twice over one directory.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";

const [platform, path] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(path));

// Nothing but what it says can be had: no clock, no random numbers, no files.
function unknown() {
    let memory;
    const say = (text, length) =>
        console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, text, length)));
    const instance = new WebAssembly.Instance(module, { host: { say } });
    memory = instance.exports.memory;
    const checks = instance.exports.run();
    if (!(checks > 0)) throw new Error("no checks ran");
    console.log(`${checks} checks passed`);
}

function wasip1(directory, run) {
    const wasi = new WASI({
        version: "preview1",
        args: ["wasm", run],
        env: { MEMO_CACHE_DIR: "/results" },
        preopens: { "/results": directory },
        returnOnExit: true,
    });
    const code = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
    if (code) throw new Error(`the ${run} run ended with ${code}`);
}

if (platform === "unknown-unknown") {
    unknown();
} else if (platform === "wasip1") {
    const directory = mkdtempSync(join(tmpdir(), "memo-wasm-"));
    try {
        wasip1(directory, "first");
        wasip1(directory, "second");
    } finally {
        rmSync(directory, { recursive: true });
    }
} else {
    throw new Error("run.mjs unknown-unknown|wasip1 FILE");
}
