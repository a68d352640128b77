import { ByteCount, Closed } from '@clean-room/protocol/documents';
import { defineRoute } from '../route.js';
import { ByDigest } from './common.js';

/** The size of an upload that was stored. */
export const Stored = Closed({ bytes: ByteCount });

export const putObject = defineRoute({
  method: 'PUT',
  path: '/v1/objects/:digest',
  summary: 'Upload bytes under their digest',
  callers: ['person', 'custodian'],
  params: ByDigest,
  bodyKind: 'upload',
  response: Stored,
  status: 201
});

export const getObject = defineRoute({
  method: 'GET',
  path: '/v1/objects/:digest',
  summary: 'Download bytes that my party uploaded or that are meant for it',
  callers: ['person', 'custodian'],
  params: ByDigest,
  bodyKind: 'download'
});
