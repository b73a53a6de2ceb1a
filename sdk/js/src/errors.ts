/**
 * The errors of this package.
 *
 *     ArionError
 *     ├── ConnectionFailed        the server can't be reached, or the connection broke
 *     │   └── ClientClosed        ... because the program closed the client
 *     ├── TimedOut                it took too long
 *     ├── NotListening            something waits for events, and no stream of events is open
 *     ├── ChannelGone             the channel ended or left the application
 *     │   └── NotAnswered         ... that was dialled, before anybody answered
 *     ├── PlaybackError           media could not be played
 *     ├── RecordingError          a recording broke off
 *     └── ApiError                the server refused a request
 *         ├── BadRequest          400
 *         ├── Unauthorized        401
 *         ├── Forbidden           403
 *         ├── NotFound            404
 *         ├── MethodNotAllowed    405
 *         ├── Conflict            409
 *         ├── InvalidState        412
 *         ├── TooLarge            413
 *         ├── Unprocessable       422
 *         ├── TooManyRequests     429
 *         └── ServerFailed        500 and above
 *             ├── InternalError   500
 *             ├── NotSupported    501
 *             └── Unavailable     503
 */

/** Base of all errors that this package raises on purpose. */
export class ArionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server can't be reached, or the connection broke. */
export class ConnectionFailed extends ArionError {}

/** The client is closed. */
export class ClientClosed extends ConnectionFailed {}

/** An answer or an event did not come in time. */
export class TimedOut extends ArionError {}

/** Waiting for events needs an open stream: see `Client.events` and `Client.run`. */
export class NotListening extends ArionError {}

/** The channel ended or left the application while something was to be done with it. */
export class ChannelGone extends ArionError {
  readonly channelId: string;
  /** hangup cause (Q.850) if it is known, else 0 */
  override readonly cause: number;
  /** the same in words */
  readonly causeTxt: string;

  constructor(channelId: string, cause = 0, causeTxt = '') {
    const why = cause ? `: ${causeTxt || 'cause'} (${cause})` : '';
    super(`channel ${channelId} ended or left the application${why}`);
    this.channelId = channelId;
    this.cause = cause;
    this.causeTxt = causeTxt;
  }
}

/** Nobody took the call: busy, refused, unreachable; `cause` says which. */
export class NotAnswered extends ChannelGone {}

/** The server could not play the media. */
export class PlaybackError extends ArionError {}

/** The recording broke off. */
export class RecordingError extends ArionError {}

/** The server refused a request. */
export class ApiError extends ArionError {
  /** HTTP status */
  readonly status: number;
  /** what was asked for, such as `channels.answer` */
  readonly operation: string;
  /** what the server says is wrong */
  readonly reason: string;
  /** the whole answer, if it was a JSON object */
  readonly body: Record<string, unknown>;

  constructor(
    status: number,
    reason: string,
    operation: string,
    body: Record<string, unknown> = {},
  ) {
    super(`${operation}: ${reason} (${status})`);
    this.status = status;
    this.operation = operation;
    this.reason = reason;
    this.body = body;
  }
}

/** A parameter is missing or wrong; the reason names it. */
export class BadRequest extends ApiError {}
/** User or password are wrong. */
export class Unauthorized extends ApiError {}
/** The user may not do this. */
export class Forbidden extends ApiError {}
/** There is no such thing, or no longer. */
export class NotFound extends ApiError {}
/** The server knows the path, and not this verb of it. */
export class MethodNotAllowed extends ApiError {}
/** The thing exists already, or its present use forbids this. */
export class Conflict extends ApiError {}
/** The thing is in a state that does not allow this. */
export class InvalidState extends ApiError {}
/** The request is larger than the server takes. */
export class TooLarge extends ApiError {}
/** The server understood, but can't do it. */
export class Unprocessable extends ApiError {}
/** The server asks to come back later. */
export class TooManyRequests extends ApiError {}
/** The server failed, or is not ready. */
export class ServerFailed extends ApiError {}
/** Something went wrong in the server. */
export class InternalError extends ServerFailed {}
/** The server knows the operation, and can't do it. */
export class NotSupported extends ServerFailed {}
/** The server is not ready, or at its limit. */
export class Unavailable extends ServerFailed {}
