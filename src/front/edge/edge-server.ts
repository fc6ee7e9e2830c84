/** The client port on bare TCP sockets: requests are parsed here, strictly, and an idle connection costs little. */
import { createServer, type Server } from 'node:net';
import { countClient, type Survey } from '../../observe/survey.js';
import { OpenSockets, type SocketAddress } from '../../sockets/open-sockets.js';
import { giveOwner, listenTo, ownerOf } from '../../sockets/socket-events.js';
import { Sweep } from '../../sockets/sweep.js';
import { type Front, type FrontHandler, type FrontOptions, TCP_KEEP_ALIVE } from '../front.js';
import { EdgeConnection, type EdgeTerms } from './edge-connection.js';

export class EdgeServer implements Front {
  private readonly server: Server;
  private readonly sockets: OpenSockets;
  private readonly sweep: Sweep;

  constructor(options: FrontOptions, handler: FrontHandler) {
    const { maxHeadBytes, maxHeaders, counters } = options;
    this.server = createServer({
      // A client's end is judged by its connection.
      allowHalfOpen: true,
      noDelay: true,
      // A client that vanished without a word is found out by TCP itself.
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE,
    });
    this.sockets = new OpenSockets(this.server, options);
    this.sweep = new Sweep(options);
    const { sockets, sweep } = this;
    const terms: EdgeTerms = { maxHeadBytes, maxHeaders, counters, sockets, sweep, handler };
    this.server.on('connection', (socket) => {
      if (!sockets.add(socket)) return;
      const connection = new EdgeConnection(terms, socket);
      giveOwner(socket, connection);
      listenTo(socket, connection);
    });
  }

  async listen<Address extends SocketAddress>(address: Address): Promise<Address> {
    const bound = await this.sockets.listen(address);
    this.sweep.start(() => {
      for (const socket of this.sockets) ownerOf(socket)?.look();
    });
    return bound;
  }

  pause(): void {
    this.sockets.pause();
  }

  resume(): Promise<void> {
    return this.sockets.resume();
  }

  survey(into: Survey): void {
    const { sockets } = this;
    for (const socket of sockets) {
      const owner = ownerOf(socket);
      if (owner instanceof EdgeConnection) countClient(into, sockets.transport, owner.phase, socket.writableLength);
    }
  }

  async stopAccepting(): Promise<void> {
    await this.sockets.stopAccepting();
    this.sweep.stop();
  }

  endConnections(grace: number): void {
    this.sockets.endAll(grace);
  }
}
