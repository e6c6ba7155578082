// SPDX-License-Identifier: MIT
// Plays the scenarios with java.net.http.WebSocket, which does not compress: Client URL

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public final class Client {
  static final int[] SIZES = {0, 1, 125, 126, 65535, 65536, 1 << 20};
  static final HttpClient HTTP = HttpClient.newHttpClient();
  static String url;
  static boolean failed = false;

  record Pong(ByteBuffer payload) {}

  record Closed(int code) {}

  /** A connection; what arrives stands in a queue: String, ByteBuffer, Pong, Closed, Throwable. */
  static final class Connection implements WebSocket.Listener {
    final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
    final StringBuilder text = new StringBuilder();
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    WebSocket socket;

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        arrived.add(text.toString());
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket from, ByteBuffer part, boolean last) {
      bytes.writeBytes(copy(part).array());
      if (last) {
        arrived.add(ByteBuffer.wrap(bytes.toByteArray()));
        bytes.reset();
      }
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket from, ByteBuffer payload) {
      arrived.add(new Pong(copy(payload)));
      from.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      arrived.add(new Closed(code));
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      arrived.add(error);
    }

    static ByteBuffer copy(ByteBuffer from) {
      var bytes = new byte[from.remaining()];
      from.get(bytes);
      return ByteBuffer.wrap(bytes);
    }

    void expect(Object wanted) throws Exception {
      var got = arrived.poll(20, TimeUnit.SECONDS);
      check(wanted.equals(got), "expected " + brief(wanted) + ", got " + brief(got));
    }

    void sendText(String part, boolean last) {
      socket.sendText(part, last).join();
    }

    void sendBinary(ByteBuffer part, boolean last) {
      socket.sendBinary(part.duplicate(), last).join();
    }

    void close(int code) throws Exception {
      socket.sendClose(code, "the end").join();
      expect(new Closed(code));
    }
  }

  static CompletableFuture<Connection> open(WebSocket.Builder builder, String path) {
    var connection = new Connection();
    return builder
        .buildAsync(URI.create(url + path), connection)
        .thenApply(
            socket -> {
              connection.socket = socket;
              return connection;
            });
  }

  static Connection open() {
    return open(HTTP.newWebSocketBuilder(), "/echo").join();
  }

  static String text(int size) {
    return "over and out, ".repeat(size / 14 + 1).substring(0, size);
  }

  static ByteBuffer binary(int size) {
    var bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return ByteBuffer.wrap(bytes);
  }

  static String brief(Object value) {
    var shown = String.valueOf(value);
    return shown.length() < 100 ? shown : shown.substring(0, 100) + "...";
  }

  static void check(boolean condition, String otherwise) throws Exception {
    if (!condition) {
      throw new Exception(otherwise);
    }
  }

  static void echoes() throws Exception {
    var client = open();
    for (int size : SIZES) {
      client.sendText(text(size), true);
      client.expect(text(size));
      client.sendBinary(binary(size), true);
      client.expect(binary(size));
    }
    client.close(1000);
  }

  static void fragments() throws Exception {
    var client = open();
    var wholeText = new StringBuilder();
    var wholeBinary = new ByteArrayOutputStream();
    for (int size = 0; size < 300; size++) {
      wholeText.append(text(size));
      client.sendText(text(size), size == 299);
    }
    client.expect(wholeText.toString());
    for (int size = 0; size < 300; size++) {
      wholeBinary.writeBytes(binary(size).array());
      client.sendBinary(binary(size), size == 299);
    }
    client.expect(ByteBuffer.wrap(wholeBinary.toByteArray()));
    client.close(1000);
  }

  static void pings() throws Exception {
    var client = open();
    for (int size : new int[] {0, 1, 125}) {
      client.socket.sendPing(binary(size)).join();
      client.expect(new Pong(binary(size)));
    }
    client.close(1000);
  }

  /** Sends twice what the server takes. */
  static void tooLong() throws Exception {
    var client = open();
    // May fail: the server need not read to the end.
    client.socket.sendBinary(binary(2 << 20), true).exceptionally(error -> null).join();
    client.expect(new Closed(1009));
  }

  static void noSubprotocol() throws Exception {
    var offering = HTTP.newWebSocketBuilder().subprotocols("chat", "superchat");
    var client = open(offering, "/echo").join();
    check(client.socket.getSubprotocol().isEmpty(), client.socket.getSubprotocol());
    client.close(1000);
  }

  static void refused(WebSocket.Builder builder, String path, int status) throws Exception {
    try {
      open(builder, path).join();
    } catch (CompletionException error) {
      if (error.getCause() instanceof WebSocketHandshakeException refusal) {
        int got = refusal.getResponse().statusCode();
        check(got == status, "status " + got);
        return;
      }
      throw error;
    }
    throw new Exception("was let in");
  }

  static void many() throws Exception {
    List<Connection> clients = new ArrayList<>();
    for (int number = 0; number < 100; number++) {
      clients.add(open());
    }
    for (int round = 0; round < 20; round++) {
      for (int number = 0; number < 100; number++) {
        clients.get(number).sendText("client " + number + ", round " + round, true);
      }
    }
    for (int number = 0; number < 100; number++) {
      for (int round = 0; round < 20; round++) {
        clients.get(number).expect("client " + number + ", round " + round);
      }
      clients.get(number).close(1000);
    }
  }

  interface Scenario {
    void run() throws Exception;
  }

  static void play(String name, Scenario scenario) {
    try {
      scenario.run();
      System.out.println("ok - java.net.http: " + name);
    } catch (Exception error) {
      failed = true;
      System.out.println("not ok - java.net.http: " + name + ": " + error);
    }
  }

  public static void main(String[] arguments) {
    url = arguments[0];
    play("echoes every size, plain", Client::echoes);
    play("joins fragments, plain", Client::fragments);
    play("answers pings", Client::pings);
    for (int code : new int[] {1000, 3333, 4999}) {
      play("echoes close code " + code, () -> open().close(code));
    }
    play("ends a message that is too long with 1009", Client::tooLong);
    play("agrees to no subprotocol", Client::noSubprotocol);
    var plain = HTTP.newWebSocketBuilder();
    play("refuses an unknown path with 404", () -> refused(plain, "/nowhere", 404));
    var foreign = HTTP.newWebSocketBuilder().header("Origin", "http://evil.example");
    play("refuses a foreign origin with 403", () -> refused(foreign, "/echo", 403));
    play("serves 100 clients at once", Client::many);
    System.exit(failed ? 1 : 0);
  }
}
