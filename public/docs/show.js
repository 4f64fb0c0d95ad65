window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  persistAuthorization: false,
  // Else it would ask a foreign host to judge the document.
  validatorUrl: null,
})
