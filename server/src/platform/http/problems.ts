import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CleanRoomError, isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { Problem } from '@clean-room/api';
import { HTTP_STATUS } from './status.js';

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  406: 'malformed',
  408: 'malformed',
  413: 'too-large',
  414: 'too-large',
  415: 'malformed',
  429: 'rate-limited',
  431: 'too-large',
  503: 'unavailable'
};

function describeInvalidRequest(error: FastifyError): string {
  const [first] = error.validation ?? [];
  const context = error.validationContext ?? 'request';
  const field = first?.params['additionalProperty'];
  const named = typeof field === 'string' ? ` ("${field.slice(0, 80)}")` : '';
  return `The ${context}${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}${named}.`;
}

/** Converts any error to a {@link CleanRoomError}. Details that are not meant for people stay in its `cause`, for the log. */
export function asCleanRoomError(error: unknown): CleanRoomError {
  if (isCleanRoomError(error)) return error;
  const fault = error as Partial<FastifyError>;
  if (Array.isArray(fault.validation)) {
    return new CleanRoomError('malformed', describeInvalidRequest(error as FastifyError));
  }
  const code = CODE_OF_STATUS[fault.statusCode ?? 500];
  if (code !== undefined && typeof fault.message === 'string') {
    return new CleanRoomError(code, fault.message, { cause: error });
  }
  return new CleanRoomError(
    'internal',
    'The server failed while it handled the request. The request was not carried out.',
    {
      remedy: 'Try again. If it fails again, send the reference to the operator.',
      cause: error
    }
  );
}

/**
 * Returns the JSON body that describes an error to a client.
 *
 * @param reference - the request's id, by which the operator finds the log entry
 */
export function toProblem(error: CleanRoomError, reference: string): Problem {
  return {
    code: error.code,
    message: error.message,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    reference,
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details })
  };
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = asCleanRoomError(error);
  const status = HTTP_STATUS[failure.code];
  if (status >= 500) request.log.error({ err: error, code: failure.code }, 'request failed');
  else request.log.info({ code: failure.code }, 'request refused');
  return reply
    .status(status)
    .type('application/json')
    .serializer(JSON.stringify)
    .send(toProblem(failure, request.id));
}

/** Answers every failure with a {@link Problem}, including unknown routes and failed validation. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler(answer);
  app.setNotFoundHandler((request, reply) =>
    answer(new CleanRoomError('not-found', 'The server has no resource at this address.'), request, reply)
  );
}
