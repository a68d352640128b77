import { Type, type Static } from 'typebox';
import { ERROR_CODES, type ErrorCode } from '@clean-room/protocol/errors';

/** How every failure looks on the wire. */
export const Problem = Type.Object(
  {
    code: Type.Unsafe<ErrorCode>({ type: 'string', enum: [...ERROR_CODES] }),
    message: Type.String(),
    /** What the person can do now. */
    remedy: Type.Optional(Type.String()),
    /** Finds this failure in the server's log. */
    reference: Type.String(),
    details: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))
    )
  },
  { additionalProperties: false }
);
export type Problem = Static<typeof Problem>;
