// SPDX-License-Identifier: GPL-3.0-or-later
package cfis.web;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import javax.json.JsonArray;
import javax.json.JsonObject;
import javax.json.JsonString;
import javax.json.JsonValue;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The page: which release the web and the database are of, and the cases. */
public final class PageServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-store");
        StringBuilder body = new StringBuilder();
        try (Database database = new Database()) {
            JsonObject status = (JsonObject) database.ask("STATUS");
            releases(body, status);
            cases(body, (JsonArray) database.ask("CASES"));
            routines(body, status.getJsonObject("versions"));
        } catch (IOException error) {
            response.setStatus(503);
            body.append("<p class=\"error\">The database is not available: ").append(escape(error.getMessage()))
                .append("</p>\n");
        }
        page(response.getWriter(), body);
    }

    private static void page(PrintWriter out, CharSequence body) {
        out.println("<!DOCTYPE html>");
        out.println("<html lang=\"en\"><head><meta charset=\"utf-8\"><title>CFIS</title>");
        out.println("<link rel=\"stylesheet\" href=\"/static/cfis.css\"></head><body>");
        out.println("<h1>CFIS case and notice management</h1>");
        out.println("<p>Web release " + escape(Release.NAME) + " on " + escape(System.getenv("CFIS_SERVER")) + "</p>");
        out.print(body);
        out.println("<p><a href=\"/static/\">About</a></p>");
        out.println("</body></html>");
    }

    private static void releases(StringBuilder body, JsonObject status) {
        String database = status.getString("release");
        body.append("<p>Database release ").append(escape(database)).append("</p>\n");
        if (!Release.NAME.equals(database)) {
            body.append("<p class=\"error\">Web and database are of different releases.</p>\n");
        }
        body.append("<p>").append(status.getInt("cases")).append(" cases, ").append(status.getInt("open"))
            .append(" open. Copy fee ").append(escape(status.getString("copy_fee"))).append(". ")
            .append(status.getInt("waiting")).append(" updates wait.</p>\n");
    }

    private static void cases(StringBuilder body, JsonArray cases) {
        body.append("<h2>Cases</h2>\n<ul>\n");
        for (JsonObject row : cases.getValuesAs(JsonObject.class)) {
            body.append("<li>Case ").append(row.getInt("id")).append(": ").append(escape(row.getString("eligibility")))
                .append(" (").append(escape(row.getString("name"))).append(", ").append(row.getString("status"))
                .append(", notices: ").append(row.getInt("letters")).append(")</li>\n");
        }
        body.append("</ul>\n");
    }

    private static void routines(StringBuilder body, JsonObject versions) {
        body.append("<h2>Routines of the database</h2>\n<ul>\n");
        for (Map.Entry<String, JsonValue> entry : versions.entrySet()) {
            body.append("<li>").append(escape(entry.getKey())).append(' ')
                .append(escape(((JsonString) entry.getValue()).getString())).append("</li>\n");
        }
        body.append("</ul>\n");
    }

    private static String escape(String text) {
        return String.valueOf(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace("\"", "&quot;");
    }
}
