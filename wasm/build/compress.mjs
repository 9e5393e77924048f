// Brotli for compress.py: `node compress.mjs JOBS.json`, a list of {from, to, quality}; two files at a time.

import { readFile, rename, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const AT_ONCE = 2;
const compress = promisify(brotliCompress);
const jobs = JSON.parse(await readFile(process.argv[2], "utf8"));

async function work() {
  for (let job = jobs.pop(); job; job = jobs.pop()) {
    const data = await readFile(job.from);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: job.quality,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
    };
    // Under another name until it is whole: an interrupted build must not leave half a file behind.
    await writeFile(`${job.to}.partial`, await compress(data, { params }));
    await rename(`${job.to}.partial`, job.to);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
