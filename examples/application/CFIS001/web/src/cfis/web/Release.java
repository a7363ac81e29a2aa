// SPDX-License-Identifier: GPL-3.0-or-later
package cfis.web;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The release this web archive was built for. */
final class Release {
    static final String NAME = read();

    private Release() {
    }

    private static String read() {
        Properties properties = new Properties();
        try (InputStream stream = Release.class.getResourceAsStream("/release.properties")) {
            properties.load(stream);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        return properties.getProperty("release");
    }
}
