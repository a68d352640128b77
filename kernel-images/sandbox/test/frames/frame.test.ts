import { parseFrame, type Frame } from '../../src/frames/frame.js';
import { encodeRequest, FrameDecoder, MAX_FRAME_BYTES } from '../../src/frames/pipe.js';

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function framed(body: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

const rich = { data: { 'text/plain': 'x' }, metadata: {} };

const GOOD: readonly Frame[] = [
  { type: 'ready' },
  { type: 'stream', cell: 0, name: 'stderr', text: 'é\n' },
  { type: 'execute_result', cell: 3, ...rich },
  {
    type: 'display_data',
    cell: 3,
    displayId: 'a',
    data: { 'application/json': { a: [1, null] } },
    metadata: {}
  },
  { type: 'update_display_data', cell: 3, displayId: null, ...rich },
  { type: 'clear_output', cell: 0, wait: true },
  { type: 'error', cell: 1, ename: 'E', evalue: '', traceback: ['a'], bases: ['Exception'], line: 4 },
  { type: 'error', cell: 1, ename: 'E', evalue: '', traceback: [], bases: [], line: null },
  { type: 'done', cell: 2 }
];

describe('parseFrame', () => {
  it.each(GOOD)('accepts $type', frame => {
    expect(parseFrame(bytes(frame))).toEqual(frame);
  });

  it.each(GOOD)('refuses $type with an extra, missing or mistyped field', frame => {
    expect(() => parseFrame(bytes({ ...frame, extra: 1 }))).toThrow('invalid');
    for (const name of Object.keys(frame)) {
      const rest = Object.fromEntries(Object.entries(frame).filter(([key]) => key !== name));
      expect(() => parseFrame(bytes(rest))).toThrow('invalid');
      expect(() => parseFrame(bytes({ ...frame, [name]: 1.5 }))).toThrow('invalid');
      expect(() => parseFrame(bytes({ ...frame, [name]: [[]] }))).toThrow('invalid');
    }
  });

  it('keeps only the sizes of images from the metadata', () => {
    const metadata = {
      'image/png': { width: 3, height: -1, secret: 'row 5' },
      'text/html': { isolated: true },
      a: 1
    };
    const frame = parseFrame(bytes({ type: 'execute_result', cell: 0, data: {}, metadata }));
    expect(frame).toMatchObject({ metadata: { 'image/png': { width: 3 } } });
    expect(JSON.stringify(frame)).not.toContain('secret');
  });

  it('refuses invalid MIME types and too many MIME types', () => {
    const display = (data: object): Buffer => bytes({ type: 'execute_result', cell: 0, data, metadata: {} });
    for (const mime of [
      '',
      'text',
      '/',
      'a/',
      'text/pl ain',
      'text/html\n',
      'x'.repeat(200) + '/y',
      '../a/b'
    ]) {
      expect(() => parseFrame(display({ [mime]: 'x' }))).toThrow('MIME type');
    }
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a/b${at}`, 'x']));
    expect(() => parseFrame(display(many))).toThrow('data');
    expect(() =>
      parseFrame(Buffer.from('{"type":"execute_result","cell":0,"data":{"__proto__":"x"},"metadata":{}}'))
    ).toThrow('MIME type');
  });

  it('does not change prototypes', () => {
    const text =
      '{"type":"display_data","cell":0,"displayId":null,"data":{"a/json":{"__proto__":{"polluted":1},"b":2}},"metadata":{}}';
    const frame = parseFrame(Buffer.from(text));
    expect(frame).toMatchObject({ data: { 'a/json': { b: 2 } } });
    expect(JSON.stringify(frame)).not.toContain('polluted');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('makes every string well-formed Unicode', () => {
    const frame = parseFrame(Buffer.from('{"type":"stream","cell":0,"name":"stdout","text":"a\\ud800b"}'));
    expect(frame).toMatchObject({ text: 'a\ufffdb' });
  });

  it('limits nesting, and ignores brackets inside strings', () => {
    const nested = (depth: number): Buffer => {
      const value = '['.repeat(depth) + ']'.repeat(depth);
      return Buffer.from(`{"type":"execute_result","cell":0,"data":{"a/json":${value}},"metadata":{}}`);
    };
    expect(parseFrame(nested(62)).type).toBe('execute_result');
    expect(() => parseFrame(nested(63))).toThrow('deep');
    expect(() => parseFrame(nested(1_000_000))).toThrow('deep');
    const text = '[{\\"'.repeat(5000);
    expect(parseFrame(Buffer.from(`{"type":"stream","cell":0,"name":"stdout","text":"${text}"}`)).type).toBe(
      'stream'
    );
  });

  it.each([
    ['broken UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['an overlong encoding', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a byte order mark', Buffer.from('\ufeff{"type":"ready"}')],
    ['NaN', Buffer.from('NaN')],
    ['no bytes', Buffer.alloc(0)],
    ['half an object', Buffer.from('{"type":"ready"')],
    ['two objects', Buffer.from('{"type":"ready"}{"type":"ready"}')]
  ])('refuses %s', (_, body) => {
    expect(() => parseFrame(body)).toThrow();
  });

  it('returns a frame or throws a CleanRoomError for arbitrary bytes', () => {
    let seed = 20260;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let round = 0; round < 4000; round++) {
      const body = Buffer.from(bytes(GOOD[random(GOOD.length)]));
      for (let change = 0; change <= random(4); change++) {
        const at = random(body.length);
        body[at] = random(3) === 0 ? random(256) : '{}[]",:\\0u'.charCodeAt(random(10));
      }
      try {
        expect(GOOD.map(frame => frame.type)).toContain(parseFrame(body).type);
      } catch (error) {
        expect(error).toMatchObject({ name: 'CleanRoomError', code: 'malformed' });
      }
    }
  });
});

describe('FrameDecoder', () => {
  it('joins frames regardless of how their bytes are split', () => {
    const bodies = ['', 'a', 'bc', 'x'.repeat(70_000), 'd'].map(text => Buffer.from(text));
    const stream = Buffer.concat(bodies.map(framed));
    for (const size of [1, 2, 3, 5, 7, 1000, 65_536, stream.length]) {
      const decoder = new FrameDecoder();
      const found: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        found.push(...decoder.push(stream.subarray(at, at + size)).map(String));
      }
      expect(found).toEqual(bodies.map(String));
    }
  });

  it('refuses a length over the limit before it receives the frame', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameDecoder().push(head)).toThrow('longer');
  });
});

describe('encodeRequest', () => {
  it('encodes the source as well-formed UTF-8 with a length prefix', () => {
    const request = encodeRequest(2, 5, 'print("\ud800é")');
    expect(request.readUInt32BE(0)).toBe(request.length - 4);
    expect(JSON.parse(request.subarray(4).toString())).toEqual({
      type: 'run',
      cell: 2,
      executionCount: 5,
      source: 'print("\ufffdé")'
    });
  });
});
