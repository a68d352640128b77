import { describe, expect, it } from '@jest/globals';
import { utf8 } from '../../src/bytes/encoding.js';
import { readSpec, sortedByName } from '../../src/submissions/check.js';
import { SubmissionRequest, openSubmissionRequest } from '../../src/submissions/request.js';
import { Spec } from '../../src/submissions/spec.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { IMAGE, KERNEL_IMAGE, makeWorld } from '../support/world.js';

describe('a spec', () => {
  const { specValue } = makeWorld();
  const [file, asset] = [specValue.workspace[0]!, specValue.assets[0]!];

  it.each([
    ['files that are not sorted', { workspace: [file, { ...file, path: 'a.py' }] }],
    ['a duplicate file', { workspace: [file, file] }],
    ['a duplicate asset', { assets: [asset, asset] }],
    ['a notebook that is not one of its files', { notebook: 'other.ipynb' }],
    ['parameters that are not an object', { parameters: '[]' }],
    ['parameters with a duplicate key', { parameters: '{"a":1,"a":2}' }],
    ['a duplicate recipient', { recipients: [specValue.recipients[0]!, specValue.recipients[0]!] }]
  ])('is refused with %s', (_name, change) => {
    expect(() => readSpec(Spec.write({ ...specValue, ...change }))).toThrow(
      expect.objectContaining({ code: 'malformed' })
    );
  });

  it('is refused when it is not canonical', () => {
    expect(() => readSpec(utf8(JSON.stringify(specValue, null, 1)))).toThrow(/canonical/);
  });

  it('has its names sorted by UTF-8 bytes, not by UTF-16 code units', () => {
    expect(sortedByName(['\u{1F600}', '\uFF5E', 'b', 'B'], name => name)).toEqual([
      'B',
      'b',
      '\uFF5E',
      '\u{1F600}'
    ]);
  });
});

describe('a submission request', () => {
  const { spec, keys } = makeWorld();
  const value = {
    format: 'clean-room.submission-request/v1' as const,
    spec: spec.digest,
    image: IMAGE,
    submitter: keys.researcher.publicKey
  };

  it('must be signed by the submitter of the spec, for this spec and image', () => {
    const envelope = SubmissionRequest.sign(value, keys.researcher);
    expect(openSubmissionRequest(envelope, spec, IMAGE).value).toEqual(value);
    expect(() => openSubmissionRequest(envelope, spec, KERNEL_IMAGE)).toThrow(/another image/);
    const forged = SubmissionRequest.sign(value, generateSigningKey());
    expect(() => openSubmissionRequest(forged, spec, IMAGE)).toThrow(/not signed/);
    const elsewhere = SubmissionRequest.sign({ ...value, spec: KERNEL_IMAGE }, keys.researcher);
    expect(() => openSubmissionRequest(elsewhere, spec, IMAGE)).toThrow(/another spec/);
  });
});
