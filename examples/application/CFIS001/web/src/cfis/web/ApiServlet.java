// SPDX-License-Identifier: GPL-3.0-or-later
package cfis.web;

import java.io.IOException;
import javax.json.Json;
import javax.json.JsonObjectBuilder;
import javax.json.JsonStructure;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** GET api/status, api/cases, api/case?id=N; POST api/correspondence with id and text. */
public final class ApiServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = String.valueOf(request.getPathInfo());
        if (path.equals("/status")) {
            status(response);
        } else if (path.equals("/cases")) {
            pass(response, "CASES");
        } else if (path.equals("/case")) {
            pass(response, "CASE|" + number(request));
        } else {
            send(response, 404, error("no " + path + " here"));
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.setCharacterEncoding("UTF-8");
        if (!"/correspondence".equals(request.getPathInfo())) {
            send(response, 404, error("nothing to post to there"));
            return;
        }
        pass(response, "ADD|" + number(request) + "|" + String.valueOf(request.getParameter("text")).trim());
    }

    private static void status(HttpServletResponse response) throws IOException {
        JsonObjectBuilder answer = Json.createObjectBuilder()
            .add("war", Json.createObjectBuilder().add("release", Release.NAME))
            .add("server", String.valueOf(System.getenv("CFIS_SERVER")));
        int code = 200;
        try (Database database = new Database()) {
            answer.add("database", database.ask("STATUS"));
        } catch (IOException error) {
            code = 503;
            answer.add("database", error(error.getMessage()));
        }
        send(response, code, answer.build());
    }

    private static void pass(HttpServletResponse response, String request) throws IOException {
        try (Database database = new Database()) {
            send(response, 200, database.ask(request));
        } catch (IOException error) {
            send(response, 503, error(error.getMessage()));
        }
    }

    private static String number(HttpServletRequest request) {
        String id = String.valueOf(request.getParameter("id"));
        return id.matches("[0-9]{1,9}") ? id : "0";
    }

    private static JsonStructure error(String text) {
        return Json.createObjectBuilder().add("error", text).build();
    }

    private static void send(HttpServletResponse response, int code, JsonStructure answer) throws IOException {
        response.setStatus(code);
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-store");
        response.getWriter().println(answer);
    }
}
