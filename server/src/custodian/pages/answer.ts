import type { FastifyReply } from 'fastify';
import type { CustodianContext } from '../context.js';
import type { SignInSession } from '../sign-in/sessions.js';
import type { Html } from './html.js';
import { page } from './layout.js';

/** Sends a page. Nothing of it may be kept anywhere. */
export function sendPage(
  { config }: CustodianContext,
  reply: FastifyReply,
  content: {
    readonly title: string;
    readonly body: Html;
    readonly session?: SignInSession;
    readonly status?: number;
  }
): FastifyReply {
  const { title, body, session, status = 200 } = content;
  const text = page({
    title,
    body,
    party: config.party,
    demo: config.demo !== undefined,
    coHosted: config.hosting === 'co-hosted',
    ...(session === undefined ? {} : { person: { name: session.person.name, csrf: session.csrf } })
  });
  return reply.status(status).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(text);
}

/** After a form: the browser asks for the page that shows what came of it. */
export function seeOther(reply: FastifyReply, place: string): FastifyReply {
  return reply.status(303).header('location', place).send();
}
