import { Closed } from '@clean-room/protocol/documents';
import { ByteCount } from '@clean-room/protocol/documents';
import { defineRoute } from '../route.js';
import { ByDigest } from './common.js';

export const Stored = Closed({ bytes: ByteCount });

export const putObject = defineRoute({
  method: 'PUT',
  path: '/v1/objects/:digest',
  summary: 'Put bytes under their digest',
  callers: ['person', 'custodian'],
  params: ByDigest,
  cargo: 'upload',
  response: Stored,
  status: 201
});

export const getObject = defineRoute({
  method: 'GET',
  path: '/v1/objects/:digest',
  summary: 'Bytes that my party put, or that were put for it',
  callers: ['person', 'custodian'],
  params: ByDigest,
  cargo: 'download'
});
