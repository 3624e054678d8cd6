// Subject: the implementation under test, as the suites import it.

import { PreparedMessage, WebSocket, WebSocketServer } from '../../src/index.ts';
import type { Api } from './api.ts';

export const subject: Api = { WebSocket, WebSocketServer, PreparedMessage, guards: true };
