# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for wsadmin, under Jython 2.1 and 2.7: connects to an emulated cell, then runs the script of -f.

Arguments: the cell's port, then those of wsadmin. A call is one line each way, a Python literal.
"""

import sys

import __builtin__

# Jython 2.1 looks for Java's packages in rt.jar, which today's Java has no more; WebSphere's own finds them.
for package in ("java.io", "java.lang", "java.net", "java.util"):
    sys.add_package(package)

from java.io import BufferedReader, File, FileInputStream, InputStreamReader, PrintWriter
from java.lang import RuntimeException, System, Throwable
from java.net import ConnectException, Socket, SocketTimeoutException
from java.util import Properties

CONNECTOR = "com.ibm.websphere.management.exception.ConnectorException: "
TIMED_OUT = CONNECTOR + (
    "ADMC0009E: The system failed to make the SOAP RPC call: msg=Read timed out; "
    "targetException=java.net.SocketTimeoutException: Read timed out"
)


class Line:
    """To the cell, one connection a call, as SOAP does it."""

    def __init__(self, port, properties):
        self.port = port
        self.properties = properties
        self.session = ""

    def connect(self):
        user = self.properties.getProperty("com.ibm.SOAP.loginUserid", "")
        password = self.properties.getProperty("com.ibm.SOAP.loginPassword", "")
        self.session = self.say(["connect", str(user), str(password)])

    def say(self, words):
        socket = Socket("127.0.0.1", self.port)
        try:
            socket.setSoTimeout(1000 * int(str(self.properties.getProperty("com.ibm.SOAP.requestTimeout", "180"))))
            out = PrintWriter(socket.getOutputStream(), 1)
            out.print(repr(words) + "\n")
            out.flush()
            try:
                said = BufferedReader(InputStreamReader(socket.getInputStream())).readLine()
            except SocketTimeoutException:
                raise RuntimeException(TIMED_OUT)
        finally:
            socket.close()
        if said is None:
            raise RuntimeException(CONNECTOR + "ADMC0016E: java.net.ConnectException: the server is gone")
        found = eval(str(said))
        if found[0] == "error":
            raise RuntimeException(found[1])
        return found[1]


class Call:
    def __init__(self, line, target, method):
        self.line = line
        self.target = target
        self.method = method

    def __call__(self, *arguments):
        if not self.line.session:
            raise RuntimeException("com.ibm.ws.scripting.ScriptingException: %s service not available" % self.target)
        return self.line.say(["call", self.line.session, self.target, self.method, list(arguments)])


class Object:
    """AdminApp and the other three: whatever is asked for is asked of the cell."""

    def __init__(self, line, target):
        self.line = line
        self.target = target

    def __getattr__(self, method):
        return Call(self.line, self.target, method)


def value_of(arguments, option):
    for at in range(len(arguments) - 1):
        if arguments[at] == option:
            return arguments[at + 1]
    return ""


def properties_of_the_connection():
    properties = Properties()
    stream = FileInputStream(File(str(System.getProperty("com.ibm.SOAP.ConfigURL"))[len("file:") :]))
    properties.load(stream)
    stream.close()
    return properties


def main(port, arguments):
    line = Line(port, properties_of_the_connection())
    try:
        line.connect()
        print("WASX7209I: Connected to process \"dmgr\" on node managerNode using SOAP connector;")
    except ConnectException:
        print("WASX7023E: Error creating \"SOAP\" connection to host \"localhost\"; exception information: refused")
        print("WASX7213I: This scripting client is not connected to a server process")
    except RuntimeException:
        print(str(sys.exc_info()[1]))
        print("WASX7213I: This scripting client is not connected to a server process")
    names = {"__name__": "__main__"}
    for target in ("AdminApp", "AdminConfig", "AdminControl", "AdminTask"):
        names[target] = Object(line, target)
    path = value_of(arguments, "-f")
    try:
        __builtin__.execfile(path, names)
    except (Exception, Throwable):
        print("WASX7017E: Exception received while running file \"%s\"; exception information: %s" % (
            path, sys.exc_info()[1]))
        sys.exit(105)


main(int(sys.argv[1]), sys.argv[2:])
