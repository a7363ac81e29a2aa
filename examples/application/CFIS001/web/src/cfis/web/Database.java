// SPDX-License-Identifier: GPL-3.0-or-later
package cfis.web;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.json.Json;
import javax.json.JsonObject;
import javax.json.JsonReader;
import javax.json.JsonStructure;

/** A session with the M database: a request a line, a line of JSON as the answer. */
final class Database implements AutoCloseable {
    private static final int CONNECT_MILLISECONDS = 2000;
    private static final int ANSWER_MILLISECONDS = 10000;

    private final Socket socket = new Socket();
    private final BufferedReader answers;

    Database() throws IOException {
        try {
            socket.connect(address(), CONNECT_MILLISECONDS);
            socket.setSoTimeout(ANSWER_MILLISECONDS);
            answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        } catch (IOException error) {
            socket.close();
            throw new IOException("no connection to the database: " + error.getMessage(), error);
        }
    }

    private static InetSocketAddress address() throws IOException {
        String host = System.getenv("CFIS_DB_HOST");
        String port = System.getenv("CFIS_DB_PORT");
        if (host == null || port == null) {
            throw new IOException("CFIS_DB_HOST and CFIS_DB_PORT are not set");
        }
        return new InetSocketAddress(host, Integer.parseInt(port));
    }

    /** The answer; an answer that is an error becomes an exception, so that no page shows half of the truth. */
    JsonStructure ask(String request) throws IOException {
        String line = request.replace('\n', ' ').replace('\r', ' ') + "\n";
        socket.getOutputStream().write(line.getBytes(StandardCharsets.UTF_8));
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("the database ended the session");
        }
        JsonStructure read = parse(answer);
        if (read instanceof JsonObject && ((JsonObject) read).containsKey("error")) {
            throw new IOException("the database answers: " + ((JsonObject) read).getString("error"));
        }
        return read;
    }

    private static JsonStructure parse(String answer) throws IOException {
        try (JsonReader reader = Json.createReader(new StringReader(answer))) {
            return reader.read();
        } catch (RuntimeException error) {
            throw new IOException("the database answers what is not JSON: " + answer, error);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
