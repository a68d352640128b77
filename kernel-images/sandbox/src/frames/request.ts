/** Asks the executor to run one cell, as bytes for the request pipe. */
export function encodeRequest(cell: number, executionCount: number, source: string): Buffer {
  const body = Buffer.from(
    JSON.stringify({ type: 'run', cell, executionCount, source: source.toWellFormed() })
  );
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}
